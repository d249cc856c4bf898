"""In how many plays of the boots that are counted something shows: what shows in every boot may do so in few plays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from envparity.judge import conduct
from envparity.judge.cause import PlayCount
from envparity.judge.finding import Finding
from envparity.observe.nature import nature_on_the_wire
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

__all__ = ["PlaysOfBoot", "in_all", "plays_of_boot", "plays_showing"]

PlaysOfBoot = Mapping[str, PlayCount]
"""By scenario, how many of its plays in one boot left their script as the judged one did."""


def plays_of_boot(observation: Observation) -> dict[str, PlayCount]:
    """The plays of each scenario, and how many left their script as the judged one did; none where that kept to it."""
    counts = {}
    for judged in observation.transcripts:
        ends = [_end(play) for play in observation.plays(judged.scenario)]
        left = _end(judged)
        counts[judged.scenario] = PlayCount(0 if left is None else ends.count(left), len(ends))
    return counts


def plays_showing(finding: Finding, boot: PlaysOfBoot, *, shows: bool) -> PlayCount | None:
    """In how many plays of a boot that shows it, or does not, a departure showed; None where nobody can say."""
    count = boot.get(finding.scenario or "") if conduct(finding).departure else None
    return count if count is None or shows else PlayCount(0, count.of)


def in_all(counts: Sequence[PlayCount | None]) -> PlayCount | None:
    """The plays of several boots together; None where not all are known, or none of these had a second play."""
    known = [count for count in counts if count is not None]
    if len(known) < len(counts) or all(count.of == 1 for count in known):
        return None
    return PlayCount(sum(count.shown for count in known), sum(count.of for count in known))


def _end(play: Transcript) -> tuple[int, str] | None:
    """At which step a play left its script, and in what way; None where it kept to it."""
    return None if play.departure is None else (play.departure.step, nature_on_the_wire(play, play.departure))
