"""Between which two boots the cause of a finding is looked for: one that shows it, and the nearest that passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from envparity.engine.hybrids import HybridShown
from envparity.engine.oracle import outcome_of, played_for
from envparity.engine.play_counts import plays_of_boot
from envparity.isolate import Outcome, differences
from envparity.judge.finding import Finding
from envparity.judge.sameness import members
from envparity.model.environment import Environment
from envparity.observe.record import Observation

__all__ = ["Ends", "alone_of", "ends_of", "shown_in", "shown_in_some_plays"]


@dataclass(frozen=True)
class Ends:
    """A single finding, the boot that shows it and the nearest that passes; what the failing one shows beside it."""

    finding: Finding
    passing: Observation
    failing: Observation
    beside: tuple[Finding, ...]


def ends_of(
    finding: Finding,
    found: Iterable[Finding],
    observations: Sequence[Observation],
    environments: Mapping[str, Environment],
) -> tuple[Ends, ...]:
    """Where the cause of a finding can be looked for: of each of its members the boot that fails, and one that passes.

    The one to replay comes first. That which passes was booted in the same way, and differs in the fewest traits.
    """
    found = tuple(found)
    cases: dict[tuple[str, tuple[str, ...]], Ends] = {}
    for end in alone_of(finding, found, observations):
        single, failing, beside = end.finding, end.failing, end.beside
        passing = [
            observation
            for observation in observations
            if observation.case.boot == failing.case.boot
            and observation.case.environment not in finding.environments
            and observation.attached is None
            and not observation.warm
            and outcome_of(single, shown_in(observation, found), beside) is Outcome.PASSES
        ]
        if passing:
            nearest = min(passing, key=lambda value: _traits_apart(environments, value, failing))
            cases.setdefault((failing.case.id, played_for(single)), Ends(single, nearest, failing, beside))
    return tuple(cases.values())


def alone_of(finding: Finding, found: Iterable[Finding], observations: Sequence[Observation]) -> tuple[Ends, ...]:
    """Each of its members with each boot that shows it, whether another passes or not: that stands for both ends.

    The one to replay comes first. Boots in an order, and those beside another, have searches of their own.
    """
    found = tuple(found)
    showing = sorted(members(finding, found), key=lambda member: member.scenario != finding.scenario)
    alone: list[Ends] = []
    for single in showing:
        for failing in observations:
            boot = failing.case.boot
            shows = failing.case.id in single.cases and failing.case.environment in single.environments
            if not shows or failing.warm or failing.attached is not None or boot.order or boot.timeline:
                continue
            beside = tuple(each_finding for each_finding in found if failing.case.id in each_finding.cases)
            alone.append(Ends(single, failing, failing, beside))
    return tuple(alone)


def shown_in_some_plays(case: Ends) -> bool:
    """Whether the boot that shows it has shown that it does not do so always: one play did, and another did not."""
    played = [play for name in played_for(case.finding) for play in case.failing.plays(name)]
    return len({play.departure is None for play in played}) > 1


def shown_in(seen: Observation, found: Iterable[Finding]) -> HybridShown:
    """What a planned boot showed."""
    return HybridShown(
        findings=tuple(
            finding
            for finding in found
            if seen.case.id in finding.cases and seen.case.environment in finding.environments
        ),
        played=frozenset(transcript.scenario for transcript in seen.transcripts),
        stood_up=seen.launch_failure is None,
        plays=plays_of_boot(seen),
    )


def _traits_apart(environments: Mapping[str, Environment], observation: Observation, other: Observation) -> int:
    """In how many traits the environments of two boots differ."""
    return len(differences(environments[observation.case.environment], environments[other.case.environment]))
