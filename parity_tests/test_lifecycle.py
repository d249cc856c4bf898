"""A replica stops gracefully, dependencies go and come back, and no stored message is lost."""

from __future__ import annotations

import pytest

from envparity.faces.parity_run import ParityRun
from envparity.faces.reading import Closed, closes, controls, received, types

pytestmark = pytest.mark.parity(group="lifecycle")

AGENT_EVENTS = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
ENDED_BY_SIGTERM = (0, 128 + 15)
each_dependency = pytest.mark.parametrize("dependency", ["postgres", "redis"])


def test_keeps_to_its_script(parity: ParityRun, scenario: str) -> None:
    """Nothing departs from the script or breaks the contract, and the normalised transcript is the same everywhere."""
    parity.assert_holds(scenario)


def test_sigterm_closes_with_1001_within_the_grace_period(parity: ParityRun) -> None:
    """The client is told that the server goes away; the process ends by itself, before it would be killed."""
    for name, transcript in parity.transcripts("stopped_in_conversation").items():
        assert closes(transcript, "a") == [Closed(1001, "shutdown", "server")], name
        (ended,) = controls(transcript, "stopped")
        assert ended.exit_code in ENDED_BY_SIGTERM, name
        assert (ended.seconds or 0.0) < parity.project.environments[name].platform.stop_grace_s, name


def test_stops_before_it_has_started_and_comes_back_after_a_kill(parity: ParityRun) -> None:
    """Nor does a stop wait for clients that are gone."""
    parity.assert_holds(codes=("EP503", "EP504", "EP505"))


def test_visits_leave_no_memory_taken(parity: ParityRun) -> None:
    """However often one user comes back."""
    parity.assert_holds(codes=("EP524",))


def test_sigterm_loses_no_stored_message(parity: ParityRun) -> None:
    """The answer under way is finished, and afterwards question and answer are in the history."""
    for name, transcript in parity.transcripts("stopped_in_conversation").items():
        assert types(received(transcript, "a")) == ["connection_established", *AGENT_EVENTS], name
        (completed,) = received(transcript, "a", "agent_completed")
        (history,) = received(transcript, "b", "history")
        assert [(message["role"], message["text"]) for message in history["messages"]] == [
            ("user", "do not lose this"),
            ("assistant", completed["answer"]),
        ], name


@each_dependency
def test_a_restarted_dependency_is_reconnected_to(parity: ParityRun, dependency: str) -> None:
    """The same connection is served before and after; nobody sees an error or 1011."""
    for name, transcript in parity.transcripts(f"{dependency}_restarted").items():
        assert [done.target for done in controls(transcript, "restart")] == [dependency], name
        assert types(received(transcript, "a"))[: 1 + 2 * 5] == ["connection_established", *AGENT_EVENTS * 2], name
        assert {close.code for close in closes(transcript)} == {1000}, name


def test_what_was_stored_survives_the_restart(parity: ParityRun) -> None:
    """The history after PostgreSQL's restart has what was said before it."""
    for name, transcript in parity.transcripts("postgres_restarted").items():
        (history,) = received(transcript, frame_type="history")
        assert [message["text"] for message in history["messages"] if message["role"] == "user"] == [
            "before",
            "after",
        ], name


@each_dependency
def test_while_a_dependency_is_away_the_client_may_try_again(parity: ParityRun, dependency: str) -> None:
    """One retryable error that names the component; when it is back, the same message is answered."""
    for name, transcript in parity.transcripts(f"{dependency}_cut_off").items():
        told = received(transcript, "a")
        assert types(told) == ["connection_established", "error", *AGENT_EVENTS], name
        error = told[1]
        assert (error["code"], error["component"], error["retryable"]) == (
            "dependency_unavailable",
            dependency,
            True,
        ), name
        assert [close.code for close in closes(transcript, "a")] == [1000], name


@pytest.mark.parametrize(("dependency", "code"), [("postgres", 1000), ("redis", 1013)])
def test_who_comes_while_a_dependency_is_away_has_an_answer_at_once(
    parity: ParityRun, dependency: str, code: int
) -> None:
    """A welcome where nothing of that one is needed for it, else to try again later."""
    for name, transcript in parity.transcripts(f"{dependency}_cut_off").items():
        assert [close.code for close in closes(transcript, "b")] == [code], name


def test_a_silent_client_is_not_dropped(parity: ParityRun) -> None:
    """Longer than the ingress lets anybody be silent, and it is still served; who had to be kept alive was."""
    for name, transcript in parity.transcripts("silent_client").items():
        assert types(received(transcript)) == ["connection_established"] * 6 + ["pong"] * 7, name
        for connection in "abcdef":
            assert closes(transcript, connection) == [Closed(1000, "", "client")], name


def test_shutdown_is_clean(parity: ParityRun) -> None:
    """No exit code but those of a graceful end, nobody killed, nobody gone by itself."""
    parity.assert_holds(codes=("EP105", "EP501"))
