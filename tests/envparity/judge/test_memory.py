"""EP524: memory that every visit leaves taken, and what is none."""

from __future__ import annotations

import pytest

from envparity.judge.evidence import Note
from envparity.judge.finding import Finding
from envparity.observe.memory import MemorySeen
from tests.envparity.judge.builders import judged, observation, project

LEAKS = (96_000, 97_000, 98_000, 99_000, 100_000, 101_000, 102_000)


def endured(*kib: int, replicas: int = 1, scenario: str = "") -> list[Finding]:
    """What is found where all replicas together have so much after each 250 visits, or conversations."""
    memory = tuple(
        MemorySeen(250 * nth, (held // replicas,) * replicas, scenario) for nth, held in enumerate(kib, start=1)
    )
    return list(judged(observation("local", memory=memory), of=project("local")).findings)


@pytest.mark.parametrize("replicas", [1, 2])
def test_what_grows_in_each_round_is_told_with_its_slope(replicas: int) -> None:
    """Of two replicas together: each has half of the visits, and half of what they leave."""
    (found,) = endured(*LEAKS, replicas=replicas)
    assert (found.code, found.where, found.nature) == ("EP524", "memory", "grows")
    (note,) = found.evidence
    assert isinstance(note, Note)
    assert "4.0 KiB a visit" in note.text
    assert "98000 KiB after 750, 102000 KiB after 1750" in note.text


@pytest.mark.parametrize(
    "kib",
    [
        (90_000, 95_000, 99_000, 99_000, 99_000, 99_000, 99_000),
        (90_000, 92_000, 94_000, 96_000, 98_000, 100_000, 100_100),
        (96_000, 97_000, 98_000, 99_000, 97_500, 98_500, 99_500),
        (90_000, 90_100, 90_200, 91_500, 92_000, 92_100, 92_200),
        (90_000, 90_060, 90_120, 90_180, 90_240, 90_300, 90_360),
        LEAKS[:4],
        (),
    ],
    ids=[
        "filled",
        "levels off",
        "collected",
        "slower and slower",
        "in pieces",
        "looked at too seldom",
        "not looked at",
    ],
)
def test_what_does_not_grow_for_ever_is_none(kib: tuple[int, ...]) -> None:
    """A cache that is full, one that is full at last, a collector, an allocator."""
    assert endured(*kib) == []


def test_what_conversations_leave_is_told_with_their_scenario() -> None:
    (found,) = endured(*LEAKS, scenario="ask")
    assert "4.0 KiB a conversation of ask" in str(found.evidence)


def test_what_visits_leave_is_not_told_again_of_conversations() -> None:
    """They begin with one."""
    both = tuple(MemorySeen(250 * nth, (kib,), name) for name in ("", "ask") for nth, kib in enumerate(LEAKS, start=1))
    (found,) = judged(observation("local", memory=both), of=project("local")).findings
    assert "visit" in found.got
