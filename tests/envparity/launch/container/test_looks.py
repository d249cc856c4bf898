"""Looks at a container that are so far apart."""

from __future__ import annotations

import time

import pytest

from envparity.launch.container.looks import Looks


def test_a_look_is_due_when_the_time_since_the_last_has_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first as well: what was started just now still runs."""
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[-1])
    made = Looks(0.25)

    def due_at(now: float) -> bool:
        clock.append(now)
        return made.due

    due = [due_at(now) for now in (100.1, 100.3, 100.4, 100.54, 100.6)]
    assert due == [False, True, False, False, True]
