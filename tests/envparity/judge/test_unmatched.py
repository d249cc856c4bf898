"""What the file names and nothing in a run matched is said."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from envparity.judge.unmatched import unmatched
from envparity.model.backend import ReportMapping
from envparity.observe.record import Observation
from tests.envparity.judge.builders import BACKEND, failed, observation, received, replica, transcript


def told(seen: Observation, **changes: Any) -> tuple[str, ...]:
    return tuple(note.split(",")[0] for note in unmatched(replace(BACKEND, **changes), [seen]))


def test_a_volatile_name_that_no_frame_has_is_said() -> None:
    """At any depth of any frame, or of the startup report."""
    frames = transcript(received({"type": "a", "deep": [{"run_id": 1}]}))
    seen = observation("local", transcripts=(frames,))
    assert told(seen, volatile=("run_id", "started", "runid")) == ("volatile names 'runid'",)
    assert told(observation("local", transcripts=()), volatile=("runid",)) == ()


def test_a_word_for_the_log_is_held_against_the_starts_that_it_speaks_of() -> None:
    """A start that failed says nothing of the word for one that passed, nor the other way round."""
    words = ReportMapping(log_passed="^up$", log_failed="^down$")
    passed = observation("local", replica(log=("x", "ready")))
    assert told(passed, volatile=(), report=words) == ("report.log_passed is '^up$'",)
    assert told(observation("local", replica(log=("x", "up"))), volatile=(), report=words) == ()
    assert told(observation("local", replica(failed(), log=("x",))), volatile=(), report=words) == (
        "report.log_failed is '^down$'",
    )
    assert told(replace(passed, warm=True), volatile=(), report=words) == ()
