"""Replicas start together without disturbing one another, and are restarted one by one without anyone losing a word."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.faces.reading import Closed, closes, controls, received, sent, types
from envparity.model.case import Boot
from envparity.observe.record import StartupReport
from envparity.observe.transcript import Transcript

pytestmark = pytest.mark.parity("rolling_restart", "started_together")

PRODUCTION = "production"
AGENT_EVENTS = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
TOGETHER = Boot(timeline=("backend", "postgres"))


def reports(parity: ParityRun) -> list[StartupReport]:
    """The startup reports of both replicas, which were up before their database could be reached."""
    found = [replica.startup for replica in parity.observation(PRODUCTION, TOGETHER).replicas]
    assert len(found) == 2
    return [report for report in found if report is not None]


def rolled(parity: ParityRun) -> Transcript:
    """How the rolling restart went, in the one environment with two replicas."""
    transcripts = parity.transcripts("rolling_restart")
    assert list(transcripts) == [PRODUCTION]
    return transcripts[PRODUCTION]


def began(report: StartupReport) -> datetime:
    """When its first step began."""
    return min(datetime.fromisoformat(step.started) for step in report.steps if step.started is not None)


def ended(report: StartupReport) -> datetime:
    """When its last step had ended."""
    return max(
        datetime.fromisoformat(step.started) + timedelta(milliseconds=step.duration_ms)
        for step in report.steps
        if step.started is not None
    )


def test_both_replicas_started_at_the_same_time(parity: ParityRun) -> None:
    """Each began before the other had ended, and both talk to who comes."""
    first, other = reports(parity)
    assert max(began(first), began(other)) < min(ended(first), ended(other))
    parity.assert_holds("started_together")


def test_both_replicas_say_the_same(parity: ParityRun) -> None:
    """Same status, steps, outcomes, order and checks; the times are their own."""
    first, other = reports(parity)
    assert (first.status, other.status) == ("pass", "pass")
    assert first.order == other.order
    assert [(step.name, step.outcome) for step in first.steps] == [(step.name, step.outcome) for step in other.steps]
    assert first.checks == other.checks
    parity.assert_holds(codes=("EP106",), environment=PRODUCTION)


def test_the_schema_was_made_once(parity: ParityRun) -> None:
    """Neither ran into the other's tables: each finds the schema whole, and PostgreSQL has no error to tell of."""
    found: list[Any] = []
    for report in reports(parity):
        assert next(step.outcome for step in report.steps if step.name == "schema") == "passed"
        found.append(
            [(check.name, check.status, check.observed) for check in report.checks if check.component == "schema"]
        )
    assert found[0] == found[1]
    assert {status for _, status, _ in found[0]} == {"pass"}
    log = parity.observation(PRODUCTION, TOGETHER).infrastructure_logs["postgres"]
    assert log != ()
    assert [line for line in log if "ERROR" in line] == []


def test_a_rolling_restart_keeps_to_its_script(parity: ParityRun) -> None:
    """Nothing departs, and no frame breaks the contract."""
    parity.assert_holds("rolling_restart")
    assert rolled(parity).departure is None


def test_only_the_client_of_a_stopped_replica_is_told(parity: ParityRun) -> None:
    """1001 for who was on it; the conversation on the other replica goes on, and ends when the client ends it."""
    gone = Closed(1001, "shutdown", "server")
    done = Closed(1000, "", "client")
    ends = {name: closes(rolled(parity), name) for name in "abcde"}
    assert ends == {"a": [gone], "b": [gone], "c": [done], "d": [done], "e": [done]}


def test_each_replica_was_restarted_once_and_by_itself(parity: ParityRun) -> None:
    """It ended within the grace period, without being killed."""
    grace_s = parity.project.environments[PRODUCTION].platform.stop_grace_s
    stopped = controls(rolled(parity), "stopped")
    assert [control.target for control in stopped] == ["a", "b"]
    assert all(control.exit_code in (0, 128 + 15) and (control.seconds or 0.0) < grace_s for control in stopped)
    assert [control.target for control in controls(rolled(parity), "start_replica")] == ["a", "b"]


def test_every_message_is_answered_while_a_replica_is_away(parity: ParityRun) -> None:
    """Six messages, six runs of the agent, no error frame on any connection."""
    asked = [frame for frame in sent(rolled(parity)) if frame.get("type") == "user_message"]
    told = received(rolled(parity))
    assert len(asked) == 6
    assert types(frame for frame in told if frame["type"] in AGENT_EVENTS).count("agent_completed") == 6
    assert [frame for frame in told if frame["type"] == "error"] == []


def test_afterwards_the_history_of_both_users_is_complete(parity: ParityRun) -> None:
    """Whatever was asked, on whichever replica, in the sequence in which it was asked."""
    alice, bob = received(rolled(parity), frame_type="history")
    before, mine, other = "before all", "while mine is away", "while the other is away"
    assert [message["text"] for message in alice["messages"] if message["role"] == "user"] == [before, mine, other]
    assert [message["text"] for message in bob["messages"] if message["role"] == "user"] == [before, other, mine]
    assert [message["role"] for message in alice["messages"]] == ["user", "assistant"] * 3
