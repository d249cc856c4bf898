"""EP503 to EP505: stops for clients who are gone and during startup, and who is killed and does not come back."""

from __future__ import annotations

import pytest

from envparity.judge.evidence import LogQuote, Note
from envparity.judge.finding import Finding
from envparity.model.case import Boot
from envparity.model.environment import Environment, Platform
from envparity.observe.stopping import KillSeen, StartStopSeen, StopSeen
from tests.envparity.judge.builders import judged, observation, project


def found(*seconds: float, grace_s: float = 10.0, exit_code: int = 0) -> list[Finding]:
    """What is found of stops after clients and after none, in turn."""
    stops = tuple(StopSeen(0, not place % 2, took, exit_code) for place, took in enumerate(seconds))
    of = project(Environment("local", platform=Platform(stop_grace_s=grace_s)))
    return list(judged(observation("local", stops=stops), of=of).findings)


def test_a_stop_that_waits_for_nobody_is_told_with_its_figures() -> None:
    (waits,) = found(6.5, 0.4, 6.2, 0.6)
    assert (waits.code, waits.where, waits.nature) == ("EP503", "shutdown", "waits for nobody")
    (note,) = waits.evidence
    assert isinstance(note, Note)
    for figure in ("6.5 and 6.2 s", "0.4 and 0.6 s", "of 10 s"):
        assert figure in note.text
    assert "killed" not in note.text
    (killed,) = found(10.1, 0.4, 10.2, 0.6, exit_code=137)
    assert "killed" in str(killed.evidence)


@pytest.mark.parametrize(
    ("seconds", "grace_s"),
    [
        ((0.4,), 10.0),
        ((6.5, 0.4), 10.0),
        ((6.5, 0.4, 6.2), 10.0),
        ((6.5, 5.0, 6.2, 5.1), 10.0),
        ((6.5, 0.4, 2.0, 0.5), 10.0),
        ((6.5, 0.4, 6.2, 5.0), 10.0),
        ((6.5, 0.4, 6.2, 0.5), 30.0),
        ((1.3, 0.4, 1.3, 0.4), 2.0),
    ],
    ids=["quick", "once", "not again", "always", "busy", "busy after none", "long grace", "short grace"],
)
def test_what_a_backend_takes_each_time_or_a_machine_for_a_moment_is_none(
    seconds: tuple[float, ...], grace_s: float
) -> None:
    """Some wait before they stop, whoever is there, until the platform has noticed."""
    assert found(*seconds, grace_s=grace_s) == []


def of_stop(stop: StartStopSeen | None, grace_s: float = 10.0) -> list[Finding]:
    """What is found of a boot in which that was seen."""
    of = project(Environment("local", platform=Platform(stop_grace_s=grace_s)))
    seen = observation("local", boot=Boot(silent_start=("postgres",)), replicas=(), transcripts=(), start_stop=stop)
    return list(judged(seen, of=of).findings)


def test_who_is_killed_because_startup_did_not_hear_the_signal_is_told_with_what_it_waited_for() -> None:
    """Which exit code it has is its platform's doing, and what it logged since is quoted."""
    stop = StartStopSeen(0, "postgres", 10.2, exit_code=137, back_after_s=5.1, log=("still starting",))
    (finding,) = of_stop(stop)
    assert (finding.code, finding.where, finding.nature, finding.scenario) == ("EP504", "shutdown", "killed", None)
    note, quoted = finding.evidence
    assert isinstance(note, Note)
    for told in ("postgres", "10 s", "5.1 s"):
        assert told in note.text
    assert isinstance(quoted, LogQuote)
    assert quoted.lines == ("still starting",)


@pytest.mark.parametrize("exit_code", [137, 0])
def test_who_says_after_the_signal_that_it_has_started_is_told_however_it_ends(exit_code: int) -> None:
    """Users are sent to it, and it is about to go."""
    stop = StartStopSeen(0, "postgres", 6.0, exit_code=exit_code, back_after_s=5.0, said=("/ready answers 200",))
    (finding,) = of_stop(stop)
    assert (finding.code, finding.nature) == ("EP504", "goes on")
    assert "/ready answers 200" in finding.got


@pytest.mark.parametrize("exit_code", [0, 1, 3, 143, -15])
def test_with_which_exit_code_a_startup_is_left_does_not_matter(exit_code: int) -> None:
    assert of_stop(StartStopSeen(0, "postgres", 9.5, exit_code=exit_code)) == []


def test_of_who_waited_for_nothing_nothing_is_said() -> None:
    assert of_stop(None) == []


def test_a_startup_that_is_stopped_is_not_compared() -> None:
    """How far one has come by then is chance."""
    boot = Boot(silent_start=("postgres",))
    seen = (
        observation(name, boot=boot, replicas=(), transcripts=(), start_stop=StartStopSeen(0, waited_for, 0.1, code))
        for name, waited_for, code in (("local", "postgres", 0), ("staging", "redis", 143))
    )
    assert judged(*seen).findings == ()


def test_who_was_killed_and_does_not_come_back_is_told_with_its_last_words() -> None:
    kill = KillSeen(0, back=False, starts=3, exit_code=3, log=("app.pid exists",))
    (finding,) = judged(observation("local", kill=kill), of=project("local")).findings
    assert (finding.code, finding.where) == ("EP505", "restart")
    assert "3" in finding.got
    assert [quoted.lines for quoted in finding.evidence if isinstance(quoted, LogQuote)] == [("app.pid exists",)]


def test_who_is_not_ready_again_is_told_apart_from_who_ends() -> None:
    ended, waits = (
        judged(observation("local", kill=KillSeen(0, back=False, starts=1, exit_code=code)), of=project("local"))
        for code in (3, None)
    )
    assert [finding.code for finding in (*ended.findings, *waits.findings)] == ["EP505", "EP505"]
    assert ended.findings[0].nature != waits.findings[0].nature


def test_who_comes_back_is_fine_also_where_it_took_a_second_start() -> None:
    kill = KillSeen(0, back=True, starts=2)
    assert judged(observation("local", kill=kill), of=project("local")).findings == ()
