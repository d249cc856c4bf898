"""Which difference between two environments it is that fails: mixtures of the two are booted until one is left.

It costs boots, and is done only where something was found.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from envparity.engine.mixtures import Mixtures
from envparity.engine.observer import Observer
from envparity.events import Emit, Waiting
from envparity.isolate import Isolated, OutOfBoots, Progress, Trait, in_words, isolate
from envparity.judge.finding import Finding, Judgement
from envparity.launch.port import Launcher, WarmUnavailable
from envparity.observe.record import Observation
from envparity.subject import Subject
from envparity.together import together

__all__ = ["CAUSE_BOOTS", "CAUSE_S", "EVERYWHERE", "CauseFinder"]

CAUSE_BOOTS = 40
"""How many boots one finding may cost."""

CAUSE_S = 600.0
"""How long the causes of one run may be looked for, in seconds, all together."""

EVERYWHERE = "every environment: no single difference"
"""The cause of what shows in all of several environments: it is in the backend, and no environment hides it."""

_SAY_IT_THEMSELVES = ("EP203", "EP204", "EP205", "EP9")  # a setting, a declaration, what was not stood up
_OF_ORDERS = ("EP21",)  # these have causes of their own: two steps
_SHOWN = 12  # traits that are quoted


@dataclass
class _Search:
    """Findings, by their place in the judgement, whose causes lie between the same two boots."""

    passing: Observation
    failing: Observation
    places: list[int] = field(default_factory=list)


class CauseFinder:
    """Finds the cause of every finding that shows in one environment and not in another.

    A cause is named where it was verified. What could not be known within the budget is said in the evidence.
    """

    def __init__(
        self,
        subject: Subject,
        launcher: Launcher,
        observer: Observer,
        emit: Emit,
        *,
        boots: int = CAUSE_BOOTS,
        seconds: float = CAUSE_S,
    ) -> None:
        self._subject = subject
        self._launcher = launcher
        self._observer = observer
        self._emit = emit
        self._boots = boots
        self._seconds = seconds

    async def explain(self, judgement: Judgement, observations: Sequence[Observation]) -> Judgement:
        """The judgement, in which these findings have their causes. Boots nothing where there are none."""
        until_s = time.monotonic() + self._seconds
        findings = list(judgement.findings)
        searches: dict[tuple[str, str, str], _Search] = {}
        for at, finding in enumerate(findings):
            if not _is_looked_for(finding):
                continue
            if set(self._subject.environments) <= {*finding.environments}:
                # Of one environment alone nobody knows where else it shows.
                cause = EVERYWHERE if len(self._subject.environments) > 1 else None
                findings[at] = msgspec.structs.replace(finding, cause=cause)
            elif (ends := _ends(finding, observations)) is not None:
                searches.setdefault(self._key(finding, *ends), _Search(*ends)).places.append(at)
            elif seen := [name for name in finding.environments if name in self._subject.attached]:
                said = f"no cause was looked for: {', '.join(seen)} is attached, and nothing is booted there"
                findings[at] = _with_evidence(finding, said)
        for search in searches.values():
            async with Mixtures(
                self._subject,
                self._launcher,
                self._observer,
                passing=search.passing,
                failing=search.failing,
                scenarios={name for at in search.places for name in _scenarios(findings[at])},
            ) as mixtures:
                for at in search.places:
                    findings[at] = await self._explained(findings[at], mixtures, until_s)
        return msgspec.structs.replace(judgement, findings=tuple(findings))

    def _key(self, finding: Finding, passing: Observation, failing: Observation) -> tuple[str, str, str]:
        """What is equal where findings share their boots. A scenario that restarts something is played by itself."""
        disruptive = {one.name for one in self._subject.backend.scenarios if one.disruptive}
        alone = next((one for one in _scenarios(finding) if one in disruptive), "")
        return passing.case.id, failing.case.id, alone

    async def _explained(self, finding: Finding, mixtures: Mixtures, until_s: float) -> Finding:
        if not mixtures.traits:
            return finding
        oracle = _Oracle(finding, mixtures, until_s, self._emit)
        try:
            shows, forks = await together(oracle.cold(frozenset(mixtures.traits)), mixtures.can_fork(until_s))
        except OutOfBoots:
            return _with_evidence(finding, f"no cause was looked for: {self._seconds:g} s had passed")
        if not shows:
            again = f"booted once more as {mixtures.failing.name} is, with {_played(finding)}, it did not show"
            return _with_evidence(finding, f"no cause was isolated: {again}")
        most, traits = self._boots, mixtures.traits
        if forks:
            cheap = [one for one in traits if mixtures.warm(frozenset({one}))]
            found = await isolate(
                traits, oracle.quick, verifies=oracle.cold, cheap=cheap, most=most, progress=oracle.tell
            )
        else:
            found = await isolate(traits, oracle.cold, most=most, progress=oracle.tell)
        if oracle.forks and not found.verified:
            # A fork is not the real thing: where fresh containers do not bear out what it said, they alone are asked.
            most -= found.boots + found.verifying
            found = await isolate(traits, oracle.cold, most=most, progress=oracle.tell)
        cause = _cause(found) if found.verified else None
        return msgspec.structs.replace(_with_evidence(finding, *_in_words(found, mixtures, oracle)), cause=cause)


class _Oracle:
    """Whether a mixture shows the finding, from boots that other findings share. `shared` and `forks` count them."""

    def __init__(self, finding: Finding, mixtures: Mixtures, until_s: float, emit: Emit) -> None:
        self._finding, self._mixtures, self._until_s, self._emit = finding, mixtures, until_s, emit
        self._asked: Counter[tuple[frozenset[Trait], bool]] = Counter()
        self.shared = self.forks = 0
        self._doing = f"boot 1 to find {self._what}: does it show again?"

    async def cold(self, traits: frozenset[Trait]) -> bool:
        """In fresh containers; asked again they are booted again."""
        return await self._shows(traits, warm=False)

    async def quick(self, traits: frozenset[Trait]) -> bool:
        """The same, of a fork where one can show that."""
        if self._mixtures.warm(traits):
            try:
                shows = await self._shows(traits, warm=True)
            except WarmUnavailable as reason:
                self._emit(Waiting("", f"cold boots, for there can be no warm ones: {reason}"))
            else:
                self.forks += 1
                return shows
        return await self.cold(traits)

    def tell(self, progress: Progress) -> None:
        """What to say of the next boot. A cause of several parts costs more than that: nobody knows how many."""
        left = f"{progress.left} to go where it is a single one"
        self._doing = f"boot {progress.boots + 2} to find {self._what}, {left}"

    async def _shows(self, traits: frozenset[Trait], *, warm: bool) -> bool:
        nth = self._asked[traits, warm]
        if self._mixtures.knows(traits, nth, warm=warm):
            self.shared += 1
        else:
            self._emit(Waiting("", self._doing))
        found = await self._mixtures.findings(traits, nth, self._until_s, warm=warm)
        self._asked[traits, warm] += 1
        return any(_is_same(self._finding, one) for one in found)

    @property
    def _what(self) -> str:
        return f"what makes {self._mixtures.failing.name} show {self._finding.code}"


def _is_looked_for(finding: Finding) -> bool:
    return finding.cause is None and not finding.code.startswith(_SAY_IT_THEMSELVES + _OF_ORDERS)


def _ends(finding: Finding, observations: Sequence[Observation]) -> tuple[Observation, Observation] | None:
    """The boot that passes and the one that fails: the first of each, booted in the same way; None without such two.

    Only what played the finding's scenario without it can be said to pass.
    """
    for failing in observations:
        boot = failing.case.boot
        shows = failing.case.id in finding.cases and failing.case.environment in finding.environments
        if not shows or failing.warm or failing.attached is not None or boot.order or boot.timeline:
            continue
        for passing in observations:
            if (
                passing.case.boot == boot
                and passing.case.environment not in finding.environments
                and passing.launch_failure is None
                and passing.attached is None
                and not passing.warm
                and all(passing.transcript(name) is not None for name in _scenarios(finding))
            ):
                return passing, failing
    return None


def _scenarios(finding: Finding) -> tuple[str, ...]:
    """What has to be played to see it again: the one to replay, where there is one."""
    return (finding.scenario,) if finding.scenario is not None else finding.scenarios[:1]


def _played(finding: Finding) -> str:
    return ", ".join(_scenarios(finding)) or "no conversation"


def _is_same(finding: Finding, other: Finding) -> bool:
    """Whether a mixture shows that finding. The same component is enough; without one, it must be at the same place."""
    if (finding.code, finding.component) != (other.code, other.component):
        return False
    alike = finding.where == other.where or bool({*finding.scenarios} & {*other.scenarios})
    return finding.component is not None or alike


def _cause(found: Isolated[Trait]) -> str:
    """`STARTUP_VALIDATION=strict alone`; several that are needed together are joined by "and"."""
    alone = [f"{in_words(one)} alone" if len(one) == 1 else in_words(one) for one in found.causes]
    return ", or ".join(alone)


def _in_words(found: Isolated[Trait], mixtures: Mixtures, oracle: _Oracle) -> Iterator[str]:
    """What was done to find it, or how far that came."""
    passing, failing = mixtures.passing.name, mixtures.failing.name
    boots = f"{found.boots} boots to find it, {found.verifying + 1} to verify"
    if oracle.forks:
        boots += f", {oracle.forks} of them warm"
    if oracle.shared:
        boots += f", {oracle.shared} {'' if oracle.forks else 'of them '}shared with other findings"
    between = f"{passing} and {failing} differ in {len(mixtures.traits)} traits"
    if found.verified:
        one = "it fails" if len(found.causes) == 1 else "each fails"
        yield f"{between}: added to {passing} {one}, twice; removed from {failing} it passes ({boots})"
    elif not found.causes:
        yield f"no cause was isolated: booted once more, {passing} itself shows it ({boots})"
    elif found.flaky:
        unsure = "; ".join(in_words(one) for one in found.flaky)
        yield f"no cause was isolated: booted twice with {unsure}, it showed only once ({boots})"
    elif found.minimal:
        yield f"no cause explains all of it: {_cause(found)}, and without that {failing} still shows it ({boots})"
    else:
        among = found.causes[0]
        more = f" and {len(among) - _SHOWN} more" if len(among) > _SHOWN else ""
        yield f"no cause was isolated within {boots}: it is among {', '.join(map(str, among[:_SHOWN]))}{more}"
    if not found.monotone:
        yield "more differences healed it in some of these boots"
    if mixtures.not_stood_up:
        yield f"{mixtures.not_stood_up} of the mixtures could not be stood up, and count as not showing it"


def _with_evidence(finding: Finding, *lines: str) -> Finding:
    return msgspec.structs.replace(finding, evidence=(*finding.evidence, *lines))
