"""EP503: a stop that takes longer for clients who are gone."""

from __future__ import annotations

import pytest

from envparity.judge.evidence import Note
from envparity.judge.finding import Finding
from envparity.model.environment import Environment, Platform
from envparity.observe.stopping import StopSeen
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
