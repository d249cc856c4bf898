"""What was booted several times is counted: what shows in some of these boots only, and in how many of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec

from envparity.engine.play_counts import PlaysOfBoot, in_all, plays_of_boot, plays_showing
from envparity.isolate.rates import shows_more_often
from envparity.judge import conduct, judge, singles
from envparity.judge.cause import Chance, PlayCount
from envparity.judge.finding import Finding, Judgement
from envparity.judge.sameness import are_alike, is_same_failure, members
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = ["of_most_interest", "with_rates"]

Repeats = Mapping[Case, Sequence[Observation]]


@dataclass(frozen=True)
class _Boots:
    """One boot of each case, and all that they show: single findings, and what these are merged to."""

    observations: tuple[Observation, ...]
    singles: tuple[Finding, ...]
    findings: tuple[Finding, ...]

    @cached_property
    def plays(self) -> tuple[tuple[Case, PlaysOfBoot], ...]:
        """The plays of each, with its case."""
        return tuple((observation.case, plays_of_boot(observation)) for observation in self.observations)


@dataclass(frozen=True)
class _Count:
    """It shows in `shown` of `of` boots of that environment, and in so many of their plays, where that is known."""

    environment: str
    shown: int
    of: int
    plays: PlayCount | None = None

    @property
    def rate(self) -> float:
        return self.shown / self.of


def of_most_interest(observations: Sequence[Observation]) -> tuple[Observation, tuple[Observation, ...]]:
    """Of several boots of one case that which is judged first, and the others: one that shows what should not be."""
    chosen = next(filter(_is_broken, observations), observations[0])
    return chosen, tuple(observation for observation in observations if observation is not chosen)


def with_rates(
    project: Project, judgement: Judgement, observations: Sequence[Observation], repeats: Repeats
) -> Judgement:
    """The judgement of one boot of each case, with what only others of its boots show, and how often each shows.

    A finding that does not show in all boots of an environment has chance for its cause; where there is one boot of
    each, one that shows in every environment, and not in all plays there. What could not be stood up is not counted.
    `repeats` are the further boots, of every case as many.
    """
    turns = max(map(len, repeats.values()), default=0)
    if not turns:
        told = tuple(_in_some_plays(each_finding, observations, project) for each_finding in judgement.findings)
        return msgspec.structs.replace(judgement, findings=told)
    cold = [observation for observation in observations if observation.case in repeats]
    all_boots = [_seen(project, cold, judgement.findings)]
    for turn in range(turns):
        others = [repeats[observation.case][turn] for observation in cold if turn < len(repeats[observation.case])]
        all_boots.append(_seen(project, others))
    findings = {(each_finding.identity, each_finding.got): each_finding for each_finding in judgement.findings}
    for boots in all_boots[1:]:
        for finding in boots.findings:
            if not any(_is_like(finding, known) for known in findings.values()):
                findings[finding.identity, finding.got] = finding
    counted = [_counted(each_finding, all_boots, project) for each_finding in findings.values()]
    in_order = sorted(_without_pairs(counted), key=lambda pair: pair.code)
    return msgspec.structs.replace(judgement, findings=tuple(in_order))


def _without_pairs(findings: Sequence[Finding]) -> list[Finding]:
    """Without it being told that startup fails here and passes there, where in which boots it fails is chance."""
    chance = [finding for finding in findings if isinstance(finding.cause, Chance)]
    if not any(conduct(finding).fails_startup for finding in chance):
        return list(findings)
    return [finding for finding in findings if finding not in chance or not conduct(finding).of_verdicts]


def _is_broken(observation: Observation) -> bool:
    unready = any(replica.startup is not None and replica.startup.status != "pass" for replica in observation.replicas)
    ended = any(replica.exit_code is not None for replica in observation.replicas)
    departed = any(transcript.departure is not None for transcript in observation.transcripts)
    return observation.launch_failure is None and (unready or ended or departed)


def _seen(project: Project, observations: Iterable[Observation], findings: Sequence[Finding] | None = None) -> _Boots:
    stood_up = tuple(observation for observation in observations if observation.launch_failure is None)
    found = judge(project, stood_up).findings if findings is None else tuple(findings)
    return _Boots(stood_up, singles(project, stood_up), found)


def _is_like(finding: Finding, known: Finding) -> bool:
    """Whether it is the same failure, of whichever of the scenarios that show it."""
    return is_same_failure(finding, known) or (
        (finding.code, finding.got, finding.component) == (known.code, known.got, known.component)
        and are_alike(finding, known)
        and not {finding.where, *finding.scenarios}.isdisjoint({known.where, *known.scenarios})
    )


def _counted(finding: Finding, all_boots: Sequence[_Boots], project: Project) -> Finding:
    """The finding with chance for its cause, where it shows in some boots of an environment and not in others."""
    parts = [single for boots in all_boots for single in members(finding, boots.singles)]
    if conduct(finding).causes != "hybrids" or not parts:
        return finding
    kinds = {
        observation.case.boot
        for boots in all_boots
        for observation in boots.observations
        if observation.case.id in finding.cases
    }
    counts = [count for name in project.environments if (count := _count(name, parts, all_boots, kinds)) is not None]
    return _by_chance(finding, counts, "boots")


def _in_some_plays(finding: Finding, observations: Sequence[Observation], project: Project) -> Finding:
    """The finding with chance for its cause, where every environment shows it, and not in all plays of one boot.

    Where an environment does not show it, boots are what tells the two apart.
    """
    everywhere = set(project.environments) <= {*finding.environments}
    if finding.cause is not None or finding.scenario is None or not conduct(finding).departure or not everywhere:
        return finding
    counts = []
    for name in project.environments:
        seen = [
            observation
            for observation in observations
            if observation.case.environment == name and observation.case.id in finding.cases
        ]
        plays = [play for observation in seen for play in observation.plays(finding.scenario)]
        if plays:
            counts.append(_Count(name, sum(transcript.departure is not None for transcript in plays), len(plays)))
    return _by_chance(finding, counts, "plays")


def _by_chance(finding: Finding, counts: Sequence[_Count], noun: Literal["boots", "plays"]) -> Finding:
    """The finding with these counts, where it does not show in all that was counted of an environment."""
    seen = [count for count in counts if count.shown]
    if not seen or all(count.shown == count.of for count in seen):
        return finding
    most = max(seen, key=lambda value: (value.rate, value.of))
    least = min((count for count in counts if count is not most), key=lambda count: count.rate, default=None)
    elsewhere, of_elsewhere = (least.shown, least.of) if least is not None else (0, 0)
    differ = least is not None and shows_more_often(most.shown, most.of, elsewhere, of_elsewhere)
    return msgspec.structs.replace(
        finding,
        environments=tuple(count.environment for count in seen),
        cause=Chance(
            most.shown,
            most.of,
            elsewhere=elsewhere,
            of_elsewhere=of_elsewhere,
            rates="differ" if differ else "cannot say",
            failing=most.environment,
            passing=least.environment if least is not None else "",
            noun=noun,
            plays=most.plays,
            plays_elsewhere=least.plays if least is not None else None,
        ),
    )


def _count(
    environment: str, parts: Sequence[Finding], all_boots: Sequence[_Boots], kinds: Iterable[object]
) -> _Count | None:
    """In how many of its boots it shows; None where it was not booted in a way in which it could."""
    ways = set(kinds)
    shown = of = 0
    plays: list[PlayCount | None] = []
    for boots in all_boots:
        seen = [played for case, played in boots.plays if case.environment == environment and case.boot in ways]
        if not seen:
            continue
        of += 1
        there = [single for single in boots.singles if environment in single.environments]
        showing = [part for part in parts if any(is_same_failure(part, finding) for finding in there)]
        shown += bool(showing)
        scenarios = {part.scenario for part in showing}
        for part in {part.scenario: part for part in parts}.values():
            shows = part.scenario in scenarios
            plays += [plays_showing(part, played, shows=shows) for played in seen]
    return _Count(environment, shown, of, in_all(plays)) if of else None
