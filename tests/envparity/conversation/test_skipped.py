"""What is kept of the frames that no step reads: beside the events, where ids are in it, and within bounds."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace as changed
from websockets.asyncio.server import ServerConnection

from envparity.conversation.contract.contract import Contract
from envparity.conversation.driver import play
from envparity.conversation.machine import Conversation
from envparity.conversation.skipped import MOST_SKIPPED_BYTES
from envparity.judge import judge
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Expect, Send
from envparity.observe.frame import plain
from envparity.observe.record import Observation
from envparity.observe.transcript import violations_of
from tests.envparity.conversation.machine_talks import connected, kept_to_its_script
from tests.envparity.conversation.one_server import backend, serving

MINE = "3c1d7a54-41d0-4d9e-8f1e-d0c2a1b9c003"
NAMES = {MINE: "<uuid:m>", "anna@shop.example": "<user>"}


def say(talk: Conversation, at_s: float = 0.2, **frame: object) -> None:
    talk.received("a", json.dumps(frame), at_s)


def other(number: int) -> str:
    return f"{number:032x}"


def skipped(talk: Conversation) -> list[dict[str, object]]:
    """What was kept of those that no step reads, once the script is over; nothing of it is an event."""
    assert [event.kind for event in kept_to_its_script(talk)] == ["handshake", "received"]
    return [plain(event.frame) for event in talk.transcript.skipped]


def skipping(*types: str, ignored: str = "heartbeat") -> Conversation:
    return connected(Expect(("done",), skip=types), ignored=frozenset({ignored}), names=NAMES)


def test_what_carries_an_id_or_a_value_of_the_play_is_kept_once() -> None:
    """Of each type, and wherever it stands; what says nothing but the time or a count is not kept."""
    talk = skipping("presence")
    for second in range(50):
        say(talk, type="heartbeat", at=f"2026-01-01T00:00:{second:02}Z", count=second)
        say(talk, type="presence", text=f"online for {second} s: anna@shop.example and {other(7)}")
    say(talk, type="heartbeat", about=[{"id": MINE}])
    say(talk, type="done")
    say(talk, type="heartbeat", about=other(8))
    assert skipped(talk) == [
        {"type": "presence", "text": f"online for 0 s: anna@shop.example and {other(7)}"},
        {"type": "heartbeat", "about": [{"id": MINE}]},
        {"type": "heartbeat", "about": other(8)},
    ]


def test_a_flood_is_kept_within_bounds_and_leaves_room_for_values_of_the_play() -> None:
    talk = skipping()
    for number in range(500):
        say(talk, type="heartbeat", id=other(number))
    say(talk, type="heartbeat", text="x" * MOST_SKIPPED_BYTES + MINE)
    say(talk, type="heartbeat", text=MINE)
    say(talk, type="done")
    kept = skipped(talk)
    assert kept[-1] == {"type": "heartbeat", "text": MINE}
    assert 30 < len(kept) <= 1 + MOST_SKIPPED_BYTES // 1024
    assert sum(len(json.dumps(frame)) for frame in kept) < MOST_SKIPPED_BYTES


def test_secrets_are_taken_out_of_it() -> None:
    talk = connected(Expect(("done",)), ignored=frozenset({"heartbeat"}), secrets={"s3cret-s3cret": "<token:valid>"})
    say(talk, type="heartbeat", id=other(1), token="s3cret-s3cret")
    say(talk, type="done")
    assert skipped(talk) == [{"type": "heartbeat", "id": other(1), "token": "<token:valid>"}]


def test_what_comes_before_a_close_that_reads_nothing_is_kept_too() -> None:
    talk = connected(Close(1000), names=NAMES)
    talk.next(0.2)
    say(talk, type="welcome", id=MINE)
    talk.closed("a", 1000, "", "client", 0.3)
    assert [event.kind for event in kept_to_its_script(talk)] == ["handshake", "close"]
    assert [plain(event.frame) for event in talk.transcript.skipped] == [{"type": "welcome", "id": MINE}]


def test_an_ignored_frame_that_breaks_the_contract_is_an_event_also_behind_the_last_step(contract: Contract) -> None:
    talk = connected(Expect(("pong",)), contract=contract, ignored=frozenset({"heartbeat"}))
    say(talk, type="pong")
    say(talk, at_s=0.3, type="heartbeat")
    events = kept_to_its_script(talk)
    assert [bool(violations_of(event)) for event in events] == [False, False, True]
    assert talk.transcript.skipped == ()


@pytest.mark.parametrize(("to_all", "found"), [(True, ["EP307"]), (False, [])])
async def test_a_skipped_frame_with_what_another_user_said_is_a_leak(to_all: bool, found: list[str]) -> None:
    """A server that says who is there, and to everybody, or to that user alone, what was said last."""
    connections: list[ServerConnection] = []

    async def handler(connection: ServerConnection) -> None:
        connections.append(connection)
        async for message in connection:
            for each in connections if to_all else (connection,):
                await each.send(json.dumps({"type": "presence", "users": len(connections), "last": str(message)}))
            await connection.send('{"type": "done"}')

    users = [("a", "anna"), ("b", "ben")]
    steps = [
        *(Connect("valid", on=on, user=user) for on, user in users),
        *(
            step
            for on, _ in users
            for step in (
                Send({"type": "say", "text": f"my word is {{uuid:{on}}}"}, on=on),
                Expect(("done",), on=on, skip=("presence",)),
            )
        ),
        *(Close(1000, on=on, skip=("presence",)) for on, _ in users),
    ]
    scenario = Scenario("talk", steps=tuple(steps))
    async with serving(handler) as stack:
        of = changed(backend(), scenarios=(scenario,))
        transcript = await play(scenario, stack, of, None)
        seen = Observation(stack.case, "fake", "0", transcripts=(transcript,))
    assert transcript.departure is None
    judged = judge(Project(of, {"local": Environment("local")}, "2026-01-01"), [seen])
    assert [finding.code for finding in judged.findings if finding.scenario == "talk"] == found
