"""Boots of hybrids: one environment with some of the traits of another, judged as that other one was.

Where a hybrid differs from the passing environment in values of settings alone, a fork beside that environment shows
what it does at a tenth of the cost; whoever asks for a cold boot gets one all the same.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import msgspec

from envparity.engine.hybrid_boots import HybridBoots
from envparity.engine.known_boots import KnownBoots, Question
from envparity.engine.observer import Observer
from envparity.engine.places import Places
from envparity.engine.play_counts import PlaysOfBoot, plays_of_boot
from envparity.engine.suspects import Suspects
from envparity.engine.want_of_time import BootAttempt, LateBoots, for_want_of_time
from envparity.isolate import OutOfBoots, Trait, carried, differences, mix
from envparity.judge import singles
from envparity.judge.finding import Finding
from envparity.launch.port import Launcher
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = ["HybridShown", "Hybrids"]


@dataclass(frozen=True)
class HybridShown:
    """What one boot of a hybrid showed: single findings, and which scenarios were played; not whether that is new.

    Of the scenarios in `unlike` one play left its script and another did not, in that boot. `plays` counts them.
    """

    findings: tuple[Finding, ...]
    played: frozenset[str]
    stood_up: bool
    unlike: frozenset[str] = frozenset()
    plays: PlaysOfBoot = field(default_factory=dict)

    @classmethod
    def of(cls, observation: Observation, findings: tuple[Finding, ...]) -> Self:
        """What was found in that boot."""
        return cls(
            findings=findings,
            played=frozenset(transcript.scenario for transcript in observation.transcripts),
            stood_up=observation.launch_failure is None,
            unlike=frozenset(
                transcript.scenario
                for transcript in observation.control
                if transcript.departure is None
                and (first := observation.transcript(transcript.scenario))
                and first.departure
            ),
            plays=plays_of_boot(observation),
        )


class Hybrids:
    """Everything between an observation that passes and one that fails, of equal boots in two environments.

    Only `scenarios` are played. What a hybrid shows is remembered: boot `nth` of it (from 0) is made when it is first
    asked for, so that several findings share their boots, and yet each can ask twice. `booted` counts them, and
    `not_stood_up` those of which nothing came up. Each takes one of the `places`. Leaving the context takes down what
    forks stood beside. With `base` the traits are added to that environment, and not to the one that passes. `pairs`:
    each is booted twice, and the two boots are judged together. `also`: in each that starts users come back
    (`returns`), or pages of other `origins` ask. `boots` are those that are known, `suspects` what searches named.
    """

    def __init__(
        self,
        project: Project,
        launcher: Launcher,
        observer: Observer,
        places: Places,
        *,
        passing: Observation,
        failing: Observation,
        scenarios: Collection[str],
        base: Environment | None = None,
        pairs: bool = False,
        also: Collection[str] = (),
        suspects: Suspects | None = None,
    ) -> None:
        self._backend, self._today, self.places = project.backend, project.today, places
        self.ends = passing, failing
        self.passing, self.failing = (project.environments[end.case.environment] for end in self.ends)
        self.base = self.passing if base is None else base
        self.traits = _told(differences(self.base, self.failing), project.backend.known_secrets)
        self.booted = self.not_stood_up = 0
        self.suspects = Suspects() if suspects is None else suspects
        self.boots: KnownBoots[HybridShown] = KnownBoots()
        self._late = LateBoots(late_alone=1 if for_want_of_time(failing) else 0)  # that boot was alone then
        self._waits_for_idle_times = failing.case.boot.hasten != 1
        played = tuple(transcript for transcript in passing.transcripts if transcript.scenario in scenarios)
        self._passed = msgspec.structs.replace(passing, transcripts=played)
        self._scenarios, self._pairs = scenarios, pairs
        based_on = functools.partial(Hybrids, project, launcher, observer, places, pairs=pairs, also=also)
        self._based_on = functools.partial(based_on, suspects=self.suspects)
        self._behind: Hybrids | None = None
        self._boots = HybridBoots(
            launcher,
            observer,
            self._backend.name,
            base=self.base,
            failing=self.failing,
            boot=failing.case.boot,
            scenarios=tuple(scenario for scenario in self._backend.scenarios if scenario.name in scenarios),
            also=frozenset(also),
            forkable=not pairs,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._boots.close(kind, error, trace)

    def warm(self, traits: frozenset[Trait]) -> bool:
        """Whether a fork beside the passing environment can show that hybrid: settings alone, that are plain values.

        A setting that is taken away, made for a run, or known to the launcher only is given to a new process alone.
        """
        return self._boots.can_show(traits)

    def behind_an_ingress(self) -> Hybrids | None:
        """The same with an ingress that changes nothing before the passing environment; shared by whoever asks for it.

        None where that has an ingress, or the failing one has none. Such hybrids have no forks, so nothing has to be
        taken down.
        """
        if self._behind is None and (base := carried(self.passing, self.failing)) is not None:
            passing, failing = self.ends
            self._behind = self._based_on(passing=passing, failing=failing, scenarios=self._scenarios, base=base)
        return self._behind

    async def can_fork(self, until_s: float) -> bool:
        """Whether there are forks, which is found out by standing up what they would be beside.

        Raises `OutOfBoots` where that was not there at `until_s`.
        """
        if not self._boots.forkable or not any(self.warm(frozenset({trait})) for trait in self.traits):
            return False
        try:
            async with asyncio.timeout(until_s - time.monotonic()), self.places.place():
                return await self._boots.can_fork()
        except TimeoutError as error:
            raise OutOfBoots from error

    async def shown(
        self, traits: frozenset[Trait], nth: int, until_s: float, *, warm: bool = False, twice: bool = False
    ) -> HybridShown:
        """What shows in the passing environment with these traits of the failing one, in the nth boot of it.

        `twice`: what leaves its script is played once more, where that boot is not made yet; no fork does so.

        Raises `OutOfBoots` where that is not known at `until_s`, on the monotonic clock, and `WarmUnavailable` where it
        was to be a warm boot and there is none.
        """
        shown = self.boots.shown(traits, warm=warm)
        while len(shown) <= nth:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise OutOfBoots
            try:
                async with asyncio.timeout(left_s):
                    shown.append(await self._made(Question(traits, len(shown), warm, twice)))
            except TimeoutError as error:
                raise OutOfBoots from error
        self.boots.on_news()
        return shown[nth]

    def has_room_ahead(self) -> bool:
        """Whether a boot may be begun ahead."""
        return self.places.is_spare(idle=self._waits_for_idle_times)

    def begin_ahead(self, question: Question, until_s: float) -> None:
        """Begin that cold boot, which ends at `until_s`."""
        judged = self._judged(question.traits, warm=False, twice=question.twice)
        self.boots.begin(question, asyncio.wait_for(judged, until_s - time.monotonic()))

    async def _made(self, question: Question) -> HybridShown:
        """That boot, made now if it was not begun ahead."""
        ahead = self.boots.asked(question)
        judged = self._judged(question.traits, warm=question.warm, twice=question.twice) if ahead is None else ahead
        shown = await judged
        self.booted += 1 + self._pairs
        self.not_stood_up += not shown.stood_up
        return shown

    async def _judged(self, traits: frozenset[Trait], *, warm: bool, twice: bool) -> HybridShown:
        """Judged beside the boot that passes, for parity is with something."""
        environment = mix(self.base, self.failing, traits)
        attempt = self._boots.attempt(environment, traits, warm=warm, twice=twice)
        known = self.ends[1] if traits == frozenset(self.traits) else None
        booted = [await self._booted(attempt, known) for _ in range(1 + self._pairs)]
        observation = next((seen for seen in booted if seen.launch_failure is not None), booted[0])
        environments = {side.name: side for side in (self.passing, environment)}
        found = singles(Project(self._backend, environments, self._today), (self._passed, *booted))
        return HybridShown.of(observation, tuple(shown for shown in found if environment.name in shown.environments))

    async def _booted(self, attempt: BootAttempt, known: Observation | None) -> Observation:
        """One boot of that hybrid; with `known` it is equal to the boot that showed that."""
        place = self.places.place(idle=self._waits_for_idle_times)
        return (await self._late.believed(attempt, place, self.places.alone(), known=known))[0]


def _told(traits: Iterable[Trait], secret: Collection[str]) -> tuple[Trait, ...]:
    """These traits, the values of secret settings left out of their texts."""
    return tuple(
        msgspec.structs.replace(trait, text=" with ".join(part.name for part in trait.parts))
        if any(part.area == "setting" and part.name in secret for part in trait.parts)
        else trait
        for trait in traits
    )
