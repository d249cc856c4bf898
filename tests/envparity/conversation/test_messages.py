"""Messages that are known by their content: what is taken, what is captured, and what is compared of them."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from envparity.conversation import actions
from envparity.conversation.action_outcome import ControlOutcome
from envparity.conversation.contract.contract import Contract
from envparity.frames.codec import Codec
from envparity.frames.json_codec import AnyJson, JsonObjects
from envparity.frames.raw import Binary, Text
from envparity.judge.canonical import connections
from envparity.model.backend import Backend, ImageSource
from envparity.model.step import (
    Command,
    Expect,
    ExpectBytes,
    ExpectClose,
    ExpectJson,
    ExpectText,
    ExpectUnordered,
    SendBytes,
    SendJson,
    SendText,
    Step,
)
from envparity.observe.frame import BinaryFrame, JsonFrame, plain
from envparity.observe.transcript import ControlDone, FrameReceived, FrameSent, Transcript, violations_of
from tests.envparity.conversation.machine_talks import CONTRACT, connected, departed, kept_to_its_script

BACKEND = Backend("b", Path("b.toml"), ImageSource())


def heard(*messages: str | bytes, step: Step, codec: Codec | None = None, **resolved: Any) -> Transcript:
    """The transcript of a conversation whose second step met these messages, and kept to its script."""
    talk = connected(step, codec=codec or JsonObjects(), **resolved)
    for message in messages:
        talk.received("a", message, 0.2)
    kept_to_its_script(talk)
    return talk.transcript


def missed(message: str | bytes, step: Step) -> str:
    """The kind of departure of a conversation whose second step met that message."""
    talk = connected(step)
    talk.received("a", message, 0.2)
    return departed(talk).kind


def same(transcript: Transcript, other: Transcript) -> bool:
    """Whether the two are the same conversation for who compares environments."""
    return connections(BACKEND, transcript) == connections(BACKEND, other)


@pytest.mark.parametrize("message", ['{"a": {"b": 1}, "more": 2}', '{"type": "x", "a": {"b": 1}}'])
def test_a_frame_may_be_known_by_its_content(message: str) -> None:
    """Whatever its type, and whether it has one."""
    heard(message, step=Expect((), fields={"a.b": 1}))
    assert missed('{"type": "x", "a": {"b": 2}}', Expect((), fields={"a.b": 1})) == "frame"


def test_anything_is_anything_and_is_not_compared() -> None:
    """A value, a list, an object: it has to be there, and may be another elsewhere."""
    step = Expect(("x",), fields={"id": "{any}", "n": 1})
    plays = [
        heard(f'{{"type": "x", "id": {value}, "n": 1, "of": {of}}}', step=step)
        for value, of in (("7", "1"), ('{"deep": [8]}', "1"), ("7", "2"))
    ]
    assert same(plays[0], plays[1])
    assert not same(plays[0], plays[2])
    assert missed('{"type": "x", "n": 1}', step) == "frame"


def test_a_text_is_known_by_a_pattern_whose_groups_are_captured() -> None:
    """A group fills later steps, and is not compared; what is around it is."""
    step = ExpectText(r'^0\{"sid":"(?P<sid>[\w-]+)","for":"{user}"')
    talk = connected(step, SendText("40{sid}"), values={"user": "a.b"}, names={"a.b": "<user>"})
    talk.received("a", '0{"sid":"Zz-1","for":"a.b","wait":5}', 0.2)
    assert talk.next(0.3) == actions.SendMessage("a", "40Zz-1", 5.0)
    texts = [f'0{{"sid":"{sid}","for":"a.b","wait":{wait}}}' for sid, wait in (("Zz-1", 5), ("Yy-2", 5), ("Zz-1", 6))]
    plays = [heard(text, step=step, values={"user": "a.b"}) for text in texts]
    assert same(plays[0], plays[1])
    assert not same(plays[0], plays[2])
    assert missed('0{"sid":"Zz-1","for":"axb"}', step) == "frame", "what fills a placeholder is words, no pattern"
    assert missed(texts[0].encode(), step) == "frame", "bytes are no text"


def test_the_text_of_a_frame_that_the_codec_reads_is_that_of_the_wire() -> None:
    """A pattern is held against what was sent, whatever became of it."""
    heard('{"type":  "x"}', step=ExpectText('^{"type":  "x"}$'))
    heard("hello", step=ExpectText("^hello$"), codec=Text())


@pytest.mark.parametrize("codec", [JsonObjects(), AnyJson()], ids=str)
def test_json_is_known_by_position(codec: Codec) -> None:
    """Lists are as long as said, objects may have more; what stands for anything is not compared."""
    step = ExpectJson([2, "{any}", {"role": "guest"}], capture={"session": "/1"})
    messages = ['[2, 77, {"role": "guest", "at": 1}]', '[2, 78, {"role": "guest", "at": 1}]']
    plays = [heard(message, step=step, codec=codec) for message in messages]
    assert same(*plays)
    assert not same(plays[0], heard('[2, 77, {"role": "guest", "at": 2}]', step=step, codec=codec))
    for other in ("[2, 77]", '[2, 77, {"role": "guest"}, 1]', '[3, 77, {"role": "guest"}]', "[", '{"role": "guest"}'):
        assert missed(other, step) == "frame"
    talk = connected(step, SendJson(["leave", "{session}"]), codec=codec)
    talk.received("a", messages[0], 0.2)
    assert talk.next(0.3) == actions.SendMessage("a", '["leave", 77]', 5.0)


def test_what_cannot_be_captured_of_json_departs() -> None:
    """A place that leads nowhere is a message that is not as promised."""
    assert missed("[1]", ExpectJson([1], capture={"x": "/1"})) == "frame"


@pytest.mark.parametrize(
    ("pattern", "message", "fits"),
    [
        ("hex:10 1a", b"\x10\x1a", True),
        ("hex:101a", b"\x10\x1a\x00", False),
        ("hex:10??00", b"\x10\xff\x00", True),
        ("hex:10*", b"\x10", True),
        ("hex:10*", b"\x10\x0a\xff", True),
        ("hex:10*", b"\x11\x10", False),
        ("base64:EBo=", b"\x10\x1a", True),
        ("base64:EBo=", b"\x10", False),
        ("text:^INFO ", b"INFO {}", True),
        ("text:^INFO ", b"+INFO {}", False),
        ("text:INFO", "INFO", False),
    ],
)
def test_bytes_are_known_by_a_pattern(pattern: str, message: str | bytes, fits: bool) -> None:
    """Every byte in hexadecimal or base64, or a regular expression of their text."""
    if fits:
        heard(message, step=ExpectBytes(pattern))
        heard(message, step=ExpectBytes(pattern), codec=Binary())
    else:
        assert missed(message, ExpectBytes(pattern)) == "frame"


@pytest.mark.parametrize("codec", [JsonObjects(), Binary()], ids=str)
@pytest.mark.parametrize("pattern", ["text:^INFO (?P<id>.)", "hex:494e464f20??2e*"])
def test_what_a_pattern_of_bytes_leaves_open_is_not_compared(codec: Codec, pattern: str) -> None:
    """Neither a group nor any byte; without either all of the message is."""
    first, second = (heard(message, step=ExpectBytes(pattern), codec=codec) for message in (b"INFO a.", b"INFO b."))
    assert same(first, second)
    first, second = (heard(message, step=ExpectBytes("text:^INFO")) for message in (b"INFO a.", b"INFO b."))
    assert not same(first, second)


def test_bytes_that_are_captured_fill_later_steps() -> None:
    """As text, and what is called a secret is one."""
    talk = connected(ExpectBytes("text:token=(?P<token>[a-z]+)"), SendBytes("text:with {token}"))
    talk.received("a", b"token=opensesame", 0.2)
    assert talk.next(0.3) == actions.SendMessage("a", b"with opensesame", 5.0)
    assert [type(event.frame) for event in talk.transcript.events if isinstance(event, FrameSent)] == [BinaryFrame]
    talk = connected(ExpectText("token=(?P<token>[a-z]+)"), SendText("with {token}"))
    talk.received("a", "token=opensesame", 0.2)
    talk.next(0.3)
    assert [plain(event.frame) for event in talk.transcript.events if isinstance(event, FrameSent)] == [
        {"text": "with <token>"}
    ]


FRAMES = ('{"channel": "iopub", "n": 1}', '{"channel": "iopub", "n": 2}', '{"type": "status"}')


@pytest.mark.parametrize("order", list(permutations(FRAMES)))
def test_frames_in_whatever_order_are_the_same(order: tuple[str, ...]) -> None:
    """The one that fits several is left to who fits no other, and the transcript has the step's order."""
    step = ExpectUnordered(({"channel": "iopub"}, "status", {"channel": "iopub", "n": 1}))
    played = heard(*order, step=step)
    received = [event.frame for event in played.events if isinstance(event, FrameReceived)]
    assert [plain(frame) for frame in received] == [
        {"channel": "iopub", "n": 2},
        {"type": "status"},
        {"channel": "iopub", "n": 1},
    ]
    assert same(played, heard(*FRAMES, step=step))


def test_one_frame_too_many_of_a_kind_departs_at_once() -> None:
    """What fits nothing that is still awaited is not waited beyond."""
    talk = connected(ExpectUnordered(({"n": 1}, {"n": 2}, "never")))
    talk.received("a", '{"n": 1}', 0.2)
    talk.received("a", '{"n": 1}', 0.3)
    assert departed(talk).kind == "frame"
    talk = connected(ExpectUnordered(({"n": 1}, {"n": 2})))
    talk.received("a", '{"n": 2}', 0.2)
    talk.closed("a", 1006, "", "server", 0.3)
    assert departed(talk).kind == "close"


def test_one_of_several_close_codes_will_do_and_is_not_compared() -> None:
    """Any of those that are named, and no other."""
    step = ExpectClose((1005, 1006))
    plays = []
    for code in step.codes:
        talk = connected(step)
        talk.closed("a", code, "", "server", 0.2)
        kept_to_its_script(talk)
        plays.append(talk.transcript)
    assert same(*plays)
    talk = connected(step)
    talk.closed("a", 1000, "", "server", 0.2)
    assert (departed(talk).kind, departed(talk).expected) == ("close", "close 1005 or 1006")


def test_what_is_sent_is_what_is_said() -> None:
    """JSON by its own text and not by the codec's, bytes in each of their forms."""
    talk = connected(
        SendJson([1, "{uuid:m}", {"é": None}]),
        SendBytes("hex:10 1a"),
        SendBytes("base64:EBo="),
        codec=Text(),
        values={"uuid:m": "0123"},
    )
    assert talk.next(0.2) == actions.SendMessage("a", '[1, "0123", {"é": null}]', 5.0)
    assert talk.next(0.3) == talk.next(0.4) == actions.SendMessage("a", b"\x10\x1a", 5.0)
    kept_to_its_script(talk)


def test_json_that_the_codec_reads_is_held_against_the_contract(tmp_path: Path) -> None:
    """As what `send` sends is."""
    path = tmp_path / "contract.yaml"
    path.write_text(CONTRACT)
    talk = connected(SendJson({"type": "ping"}), SendJson({"type": "pong"}), contract=Contract.load(path))
    talk.next(0.2)
    talk.next(0.3)
    kept, broken = (event for event in talk.transcript.events if isinstance(event, FrameSent))
    assert isinstance(kept.frame, JsonFrame)
    assert (bool(violations_of(kept)), bool(violations_of(broken))) == (False, True)


def test_a_counter_goes_on_in_what_is_said_and_stays_in_what_is_expected() -> None:
    """A number where it stands alone, the same one all over a step."""
    talk = connected(
        SendJson({"id": "{counter:call}", "again": "n{counter:call}"}),
        Expect((), fields={"id": "{counter:call}"}),
        SendJson(["{counter:call}", "{counter:other}"]),
        ExpectText("^{counter:call}/{counter:other}$"),
    )
    assert talk.next(0.2) == actions.SendMessage("a", '{"id": 1, "again": "n1"}', 5.0)
    talk.received("a", '{"id": 1}', 0.3)
    assert talk.next(0.4) == actions.SendMessage("a", "[2, 1]", 5.0)
    talk.received("a", "2/1", 0.5)
    kept_to_its_script(talk)


def test_a_command_is_filled_and_waited_for() -> None:
    """What is recorded is what the step says; a refusal departs."""
    step = Command({"redis": ("SET", "k", "{uuid:m}", "{}")})
    talk = connected(step, step, values={"uuid:m": "0123"})
    assert talk.next(0.2) == actions.Control("command", "redis", words=("SET", "k", "0123", "{}"))
    talk.controlled(ControlOutcome(), 0.3)
    talk.next(0.4)
    talk.controlled(ControlOutcome("redis refused SET: wrong type"), 0.5)
    departure = departed(talk)
    assert (departure.kind, departure.got) == ("control", "redis refused SET: wrong type")
    done = [event for event in talk.transcript.events if isinstance(event, ControlDone)]
    assert [(event.action, event.target, event.words) for event in done] == [("command", "redis", step.words)] * 2
