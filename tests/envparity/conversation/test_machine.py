"""The state machine as a whole: departures, controls, and the contract, without a socket or a clock."""

from __future__ import annotations

from typing import Any

import pytest

from envparity.conversation import actions
from envparity.conversation.action_outcome import ControlOutcome
from envparity.conversation.contract.contract import Contract
from envparity.conversation.resolving import Handshake
from envparity.judge.canonical import event_data
from envparity.model.step import (
    Close,
    Connect,
    Cut,
    Expect,
    ExpectClose,
    Restart,
    RestartAll,
    Restore,
    Rotate,
    Send,
    Slow,
    StartReplica,
    Step,
    Stopped,
    StopReplica,
    Throttle,
    UntilReady,
)
from envparity.observe.transcript import (
    Departure,
    HandshakeAnswered,
    violations_of,
)
from tests.envparity.conversation.machine_talks import connected, conversation, departed, kept_to_its_script


@pytest.mark.parametrize("closed", [False, True])
def test_what_nobody_expected_departs_in_the_end(closed: bool) -> None:
    """A frame too many is as wrong as one too few."""
    talk = connected()
    assert talk.next(0.2) == actions.Finished(departed=False)
    if closed:
        talk.closed("a", 1011, "", "server", 0.3)
    else:
        talk.received("a", b"\x00\x01", 0.3)
    talk.finish(0.4)
    departure = talk.transcript.departure
    assert departure is not None
    assert (departure.kind, departure.expected) == ("close" if closed else "frame", "nothing more")
    assert event_data(talk.transcript.events[-1]) == (
        {"code": 1011, "reason": "", "by": "server"} if closed else {"bytes": 2, "sha256": "B413F47D13EE2FE6"}
    )


def test_the_first_departure_stays_and_what_follows_it_is_recorded() -> None:
    """The close after an unexpected error frame explains it."""
    talk = connected(Expect(("welcome",)), ignored=frozenset({"heartbeat"}))
    talk.received("a", '{"type": "error"}', 0.2)
    first = departed(talk)
    talk.received("a", '{"type": "heartbeat"}', 0.2)
    talk.closed("a", 1013, "startup_failed:x", "server", 0.3)
    talk.finish(0.4)
    assert talk.transcript.departure == first
    assert [entry.kind for entry in talk.transcript.events] == ["handshake", "received", "close"]


def test_the_clients_own_close_in_the_end_is_nothing_to_record() -> None:
    """The driver closes what is open when the script is over."""
    talk = connected()
    assert talk.next(0.2) == actions.Finished(departed=False)
    talk.closed("a", 1000, "", "client", 0.3)
    talk.finish(0.4)
    assert [entry.kind for entry in talk.transcript.events] == ["handshake"]
    assert talk.transcript.duration_s == 0.4


def test_a_scenario_without_steps_is_over_at_once() -> None:
    """It promises nothing, and an unexpected frame of it would be of step 0."""
    talk = conversation()
    kept_to_its_script(talk)


# Control.


@pytest.mark.parametrize(
    ("step", "action", "data", "connection"),
    [
        (StopReplica("a"), actions.Control("stop_replica", "a", 0), {"stop_replica": "a"}, "a"),
        (StartReplica("a"), actions.Control("start_replica", "a", 0), {"start_replica": "a"}, "a"),
        (Restart("postgres"), actions.Control("restart", "postgres"), {"restart": "postgres"}, ""),
        (Cut("redis"), actions.Control("cut", "redis"), {"cut": "redis"}, ""),
        (
            Cut("redis", for_s=2),
            actions.Control("cut", "redis", disturbance=Cut("redis", for_s=2)),
            {"cut": "redis"},
            "",
        ),
        (
            Slow("redis", by_s=1),
            actions.Control("slow", "redis", disturbance=Slow("redis", by_s=1)),
            {"slow": "redis"},
            "",
        ),
        (
            Throttle("a", for_s=1),
            actions.Control("throttle", "a", 0, disturbance=Throttle("a", for_s=1)),
            {"throttle": "a"},
            "a",
        ),
        (
            RestartAll(9),
            actions.Control("restart_all", "", disturbance=RestartAll(9)),
            {"restart_all": True},
            "",
        ),
        (Restore("redis"), actions.Control("restore", "redis"), {"restore": "redis"}, ""),
        (Rotate("idp"), actions.Control("rotate", "idp"), {"rotate": "idp"}, ""),
        (Rotate("idp", keep=True), actions.Control("rotate", "idp", keep=True), {"rotate": "idp"}, ""),
        (UntilReady(), actions.Control("until_ready", ""), {"until_ready": True}, ""),
    ],
)
def test_control_steps_are_asked_for_until_they_are_done(
    step: Step, action: actions.Control, data: dict[str, Any], connection: str
) -> None:
    """What was done is recorded; a replica is meant by the connection that is on it."""
    talk = connected(step)
    assert talk.next(0.2) == talk.next(0.3) == action
    talk.controlled(ControlOutcome(), 0.4)
    done = kept_to_its_script(talk)[-1]
    assert (done.at_s, done.connection, event_data(done)) == (0.4, connection, data)


def test_an_environment_that_fails_departs() -> None:
    """Why it failed is what was got."""
    talk = connected(UntilReady())
    talk.next(0.2)
    talk.controlled(ControlOutcome("waited 30 s"), 30.0)
    assert departed(talk) == Departure(1, "control", "until_ready", "waited 30 s", "")


def test_how_a_replica_ended_is_recorded() -> None:
    """With exit code and seconds, as the driver tells them."""
    talk = connected(Stopped("a"))
    talk.next(0.2)
    talk.controlled(ControlOutcome(exit_code=0, seconds=0.7), 1.0)
    assert event_data(kept_to_its_script(talk)[-1]) == {"stopped": "a", "exit_code": 0, "seconds": 0.7}


@pytest.mark.parametrize("exit_code", [137, -9])
def test_a_replica_that_had_to_be_killed_departs(exit_code: int) -> None:
    """SIGKILL means that the grace period was over."""
    talk = connected(Stopped("a"))
    talk.next(0.2)
    talk.controlled(ControlOutcome(exit_code=exit_code, seconds=10.0), 10.2)
    assert departed(talk).got == f"killed, exit code {exit_code}"


# The contract.


def test_frames_are_held_against_the_contract_in_both_directions(contract: Contract) -> None:
    """A violation is recorded with its entry and does not depart; skipped frames show only then."""
    talk = connected(
        Send({"type": "pong"}),
        Send({"type": "ping", "x": 1}, breaks_contract=True),
        Send({"type": "ping"}, breaks_contract=True),
        Expect(("pong",), skip=("noise",)),
        contract=contract,
    )
    for at_s in (0.2, 0.3, 0.4):
        talk.next(at_s)
    talk.received("a", '{"type": "noise"}', 0.5)
    talk.received("a", '{"type": "pong", "x": 1}', 0.6)
    said = [(entry.kind, len(violations_of(entry))) for entry in kept_to_its_script(talk)]
    assert said == [("handshake", 0), ("sent", 1), ("sent", 0), ("sent", 1), ("received", 1), ("received", 1)]


def test_closes_of_the_backend_are_held_against_the_contract(contract: Contract) -> None:
    """Its codes and reasons are part of it; the client's own are not."""
    talk = connected(ExpectClose(1008), contract=contract)
    talk.closed("a", 1008, "x", "server", 0.2)
    assert violations_of(kept_to_its_script(talk)[-1]) == ("close code 1008 is none of 1001",)
    talk = connected(Close(1000), contract=contract)
    talk.next(0.2)
    talk.closed("a", 1000, "", "client", 0.2)
    assert violations_of(kept_to_its_script(talk)[-1]) == ()


def test_an_empty_token_is_not_held_against_the_contract(contract: Contract) -> None:
    """Whether it is a frame at all is for the backend to say."""
    handshake = Handshake("/ws", (), None, (), "", {"type": "authenticate", "token": ""})
    talk = conversation(Connect("empty"), handshakes={0: handshake}, contract=contract)
    talk.next(0.0)
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 101))
    talk.next(0.1)
    assert violations_of(kept_to_its_script(talk)[-1]) == ()
