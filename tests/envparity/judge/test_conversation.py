"""EP301 to EP305 and EP901: every rule with an observation that breaks it and a twin that does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from envparity.model.scenario import Scenario
from envparity.observe.transcript import Departure, LoggedLines
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import (
    BACKEND,
    close,
    codes,
    departed,
    failed,
    handshake,
    judged,
    observation,
    only,
    project,
    received,
    refused,
    replica,
    sent,
    timed_out,
    transcript,
)
from tests.envparity.judge.conversing import M1

TIMEOUT = timed_out("pong")


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("frame", "EP301"),
        ("silence", "EP301"),
        ("control", "EP301"),
        ("handshake", "EP302"),
        ("close", "EP303"),
        ("timeout", "EP306"),
    ],
)
def test_a_departure_is_a_finding_by_its_kind(kind: str, code: str) -> None:
    """With the script's words, the end of the conversation, and who kept to it."""
    script = departed(kind, handshake(), received({"type": "other"}), got="other")
    found = only(observation("local"), observation("staging", transcripts=(script,)))
    assert (found.code, found.where, found.scenario, found.scenarios) == (code, "chat", "chat", ("chat",))
    assert (found.expected, found.got, found.environments) == ("connection_established", "other", ("staging",))
    assert evidence_lines(found)[-4:] == (
        "step 2, after:",
        "handshake 101, subprotocol v1",
        'received {"type": "other"}',
        "kept to the script in: local",
    )
    assert found.replay == "envparity run --environment staging --only chat"


def test_a_departure_in_several_environments_is_one_finding() -> None:
    """Whatever the ids in it; and nobody kept to the script."""
    scripts = [departed("frame", got=f"error {uuid}") for uuid in (M1, M1.replace("7", "8"))]
    found = only(observation("local", transcripts=(scripts[0],)), observation("staging", transcripts=(scripts[1],)))
    assert (found.environments, found.got) == (("local", "staging"), "error <uuid>")
    assert not any("kept" in text for text in evidence_lines(found))
    assert found.replay == "envparity run --environment local,staging --only chat"


def test_departures_that_differ_are_two_findings() -> None:
    """The same scenario may break in two ways."""
    first, other = (departed("frame", got=got) for got in ("error a", "error b"))
    found = judged(observation("local", transcripts=(first,)), observation("staging", transcripts=(other,))).findings
    assert [(each.got, each.environments) for each in found] == [("error a", ("local",)), ("error b", ("staging",))]


def test_the_same_departure_in_several_scenarios_is_one_finding() -> None:
    """The first of the backend's scenarios is the one to replay, and names with brackets are quoted for the shell."""
    names = ("chat[header]", "login", "chat[first]")
    backend = replace(BACKEND, scenarios=tuple(Scenario(name) for name in names))
    scripts = tuple(departed("handshake", scenario=name, got="403") for name in reversed(names))
    found = only(observation("local", transcripts=scripts), of=project("local", backend=backend))
    assert (found.where, found.scenarios) == ("chat[header]", names)
    assert evidence_lines(found)[-1] == "the same in 2 other scenarios: login, chat[first]"
    assert found.replay == "envparity run --environment local --only 'chat[header]'"
    elsewhere = replace(scripts[0], departure=Departure(1, "handshake", "silence", "403"))
    assert len(codes(observation("local", transcripts=(elsewhere, scripts[1])))) == 1, "whatever was expected instead"
    other = replace(scripts[0], departure=Departure(1, "handshake", "silence", "404"))
    assert len(codes(observation("local", transcripts=(other, scripts[1])))) == 2


def test_findings_stand_in_the_order_of_the_backends_scenarios() -> None:
    """Within a code; what the file says first comes first."""
    backend = replace(BACKEND, scenarios=(Scenario("z"), Scenario("a")))
    scripts = tuple(departed("frame", scenario=name, got=name) for name in ("a", "z"))
    found = judged(observation("local", transcripts=scripts), of=project("local", backend=backend)).findings
    assert [finding.scenario for finding in found] == ["z", "a"]


def test_many_scenarios_are_counted_not_all_named() -> None:
    """A line stays a line."""
    scripts = tuple(departed("handshake", scenario=f"s{number}") for number in range(8))
    found = only(observation("local", transcripts=scripts))
    assert evidence_lines(found)[-1] == "the same in 7 other scenarios: s1, s2, s3, s4, s5 and 2 more"


def test_ep304_quotes_the_frame_and_what_the_contract_says() -> None:
    """Once, however many conversations show it; frames of either side and closes are held against it."""
    wrong = received({"type": "error"}, violations=("'code' is a required property",))
    scripts = tuple(transcript(handshake(), wrong, wrong, scenario=name) for name in ("one", "two"))
    found = only(observation("local", transcripts=scripts))
    assert (found.code, found.where, found.got) == ("EP304", "error", "'code' is a required property")
    assert found.expected == "what asyncapi.yaml says of it"
    assert evidence_lines(found) == ('received {"type": "error"}', "the same in 1 other scenario: two")
    assert (found.scenario, found.scenarios) == ("one", ("one", "two"))


def test_ep304_is_told_once_of_a_field_whose_value_is_another_each_time() -> None:
    """In one conversation, in several and in several environments; another field, or another promise, is another."""
    field = "welcome: connection_id: "
    frames = [
        received({"type": "welcome", "connection_id": f"c-{number}"}, violations=(f"{field}'c-{number}' {said}",))
        for number, said in ((1, "does not match '^[0-9]+$'"), (2, "does not match '^[0-9]+$'"), (3, "is too short"))
    ]
    scripts = tuple(transcript(handshake(), frame, scenario=name) for name, frame in zip("abc", frames, strict=True))
    found = judged(observation("local", transcripts=scripts), observation("staging", transcripts=scripts[:2])).findings
    assert [(finding.environments, finding.scenarios, finding.got) for finding in found] == [
        (("local", "staging"), ("a", "b"), f"{field}a value that does not match '^[0-9]+$'"),
        (("local",), ("c",), f"{field}a value that is too short"),
    ]


def test_ep304_says_which_side_it_was() -> None:
    """What the client sends and how the connection closes is in the contract too."""
    scripts = transcript(
        replace(sent({"type": "ping"}), violations=("x",)),
        replace(close(4999), violations=("y",)),
        received({"type": "two"}, violations=("p", "q")),
    )
    backend = replace(BACKEND, contract=None)
    found = judged(observation("local", transcripts=(scripts,)), of=project("local", backend=backend)).findings
    assert [(finding.where, finding.got) for finding in found] == [
        ("close", "y"),
        ("sent ping", "x"),
        ("two", "p"),
        ("two", "q"),
    ]
    assert found[0].expected == "what the contract says of it"


def test_ep305_whatever_the_script_expected() -> None:
    """1011 is a finding even of a conversation that kept to its script; ids in the reason do not tell two apart."""
    scripts = [
        transcript(
            handshake(),
            sent({"type": "hi"}, phase="authenticate"),
            close(1011, f"bug 12ab34cd{n}{n}"),
            logged=(LoggedLines("replica 2", ("KeyError: 'user'",)),),
        )
        for n in (1, 2)
    ]
    found = only(observation("local", transcripts=(scripts[0],)), observation("staging", transcripts=(scripts[1],)))
    assert (found.code, found.where, found.got) == ("EP305", "authenticate phase", "close 1011 bug <hex>")
    assert found.environments == ("local", "staging")
    assert evidence_lines(found)[-2:] == (
        "close 1011 bug 12ab34cd11 by the server",
        "replica 2 logged: KeyError: 'user'",
    )


def test_ep305_takes_the_departure_with_it() -> None:
    """The close that broke the script is the root; other codes and other scenarios are not."""
    script = departed("close", handshake(), close(1011))
    other = departed("close", handshake(), close(1006), scenario="other", got="close 1006")
    found = judged(observation("local", transcripts=(script, other))).findings
    assert [(each.code, each.scenario) for each in found] == [("EP303", "other"), ("EP305", "chat")]
    assert found[1].got == "close 1011"
    assert evidence_lines(found[1])[-1] == "explains 1 finding more: EP303 chat"
    assert codes(observation("local", transcripts=(transcript(handshake(), close(1013)),))) == []


def test_ep305_as_the_first_thing_on_its_connection() -> None:
    """Then its own phase is where it happened."""
    script = transcript(handshake(connection="b"), close(1011), received({"type": "later"}, "b"))
    found = only(observation("local", transcripts=(script,)))
    assert found.where == "close phase"
    assert evidence_lines(found) == ("b: handshake 101, subprotocol v1", "a: close 1011 by the server")


def test_ep901_says_why_and_nothing_else_is_judged() -> None:
    """An environment that does not stand shows nothing of the backend, and is compared with nothing."""
    gone = observation(
        "staging",
        replica("broken", exit_code=1),
        launch_failure="waited 15 s for postgres to answer\nFATAL: no space left",
        infrastructure_logs={"redis": ("ready",), "postgres": ("a", "b", "c", "d", "e")},
        settings=(),
    )
    found = only(observation("local"), gone)
    assert (found.code, found.where, found.environments) == ("EP901", "environment", ("staging",))
    assert found.got == "waited 15 s for postgres to answer"
    assert evidence_lines(found) == (
        "FATAL: no space left", "postgres: b", "postgres: c", "postgres: d", "postgres: e", "redis: ready",
    )  # fmt: skip
    assert only(replace(gone, launch_failure=" ")).got == "no reason given"


def test_departures_are_explained_only_where_the_conversation_was_cut_off() -> None:
    """A 101 where a refusal was promised has nothing to do with a startup that failed."""
    odd = departed("handshake", handshake(), close(1000, by="client"), scenario="forbidden_origin", got="101")
    seen = observation("local", replica(failed()), transcripts=(refused(), odd))
    assert codes(seen) == ["EP101", "EP302"]
    cut = [
        departed("timeout", handshake(), TIMEOUT, scenario="hung"),
        departed("handshake", handshake(503), scenario="unavailable"),
        departed("close", handshake(), close(1006), scenario="dropped"),
        departed("close", handshake(), close(1006, by="client"), scenario="left"),
    ]
    gone = replica(exit_code=1)
    found = judged(observation("local", gone, transcripts=tuple(cut))).findings
    assert [(finding.code, finding.scenarios) for finding in found] == [
        ("EP105", ("dropped", "hung", "unavailable")),
        ("EP303", ("left",)),
    ]
