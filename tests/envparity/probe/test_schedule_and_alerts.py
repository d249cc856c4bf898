"""When to run, and when failures become an alert."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.probe.alert import Alert, Alerts, Recovery
from envparity.probe.outcome import ProbeOutcome, Trouble
from envparity.probe.schedule import Schedule

BROKEN = Trouble("message", "a", "b")


@given(st.floats(0.5, 60), st.lists(st.floats(0, 200), min_size=1, max_size=50))
def test_runs_never_drift_and_never_bunch(every_s: float, durations: list[float]) -> None:
    """Every run begins at a multiple of the interval, none too early, none twice; what is skipped is counted."""
    schedule, now = Schedule(every_s, 1000.0), 1000.0
    ticks: list[int] = []
    for duration in durations:
        due, skipped = schedule.next(now)
        tick = (due - 1000.0) / every_s
        assert math.isclose(tick, round(tick), abs_tol=1e-6)
        assert due >= now - 1e-6 or not ticks
        assert round(tick) - (ticks[-1] if ticks else -1) == skipped + 1
        ticks.append(round(tick))
        now = max(due, now) + duration
    assert len(set(ticks)) == len(ticks)


def test_a_run_that_takes_longer_than_the_interval_skips() -> None:
    """25 s of an interval of 10 s: two moments have passed, the third is kept."""
    schedule = Schedule(10.0, 0.0)
    assert schedule.next(0.0) == (0.0, 0)
    assert schedule.next(25.0) == (30.0, 2)
    assert schedule.next(30.1) == (40.0, 0)


@pytest.mark.parametrize("after", [1, 3])
def test_an_alert_begins_once_and_ends_with_the_first_success(after: int) -> None:
    """So many failures in a row, not fewer; more of them are the same alert."""
    alerts = Alerts(after)
    failed = [alerts.note(ProbeOutcome(100.0 + at, 0, trouble=BROKEN)) for at in range(5)]
    assert failed == [Alert(after, 100.0) if at == after - 1 else None for at in range(5)]
    stands = [alerts.standing]
    assert alerts.note(ProbeOutcome(130.0, 0)) == Recovery(5, 30.0)
    stands.append(alerts.standing)
    assert stands == [True, False]
    assert alerts.note(ProbeOutcome(140.0, 0)) is None


def test_a_success_in_between_starts_the_count_anew() -> None:
    """Two failures, a success, two failures: no alert of three, and no recovery from none."""
    alerts = Alerts(3)
    runs = [BROKEN, BROKEN, None, BROKEN, BROKEN]
    assert [alerts.note(ProbeOutcome(1.0, 0, trouble=run)) for run in runs] == [None] * 5
    assert alerts.failures == 2
