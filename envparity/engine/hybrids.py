"""Boots of hybrids: one environment with some of the traits of another, judged as that other one was.

Where a hybrid differs from the passing environment in values of settings alone, a fork beside that environment shows
what it does at a tenth of the cost; whoever asks for a cold boot gets one all the same.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec

from envparity.engine.observer import Observer
from envparity.engine.places import Places
from envparity.engine.want_of_time import LateBoots
from envparity.errors import DeadlineExceeded, EngineFailed, LaunchError
from envparity.isolate import OutOfBoots, Trait, carried, differences, mix
from envparity.judge import singles
from envparity.judge.finding import Finding
from envparity.launch.port import Launcher, Stack, WarmBoots, WarmUnavailable
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.subject import Subject
from envparity.observe.record import Observation

__all__ = ["Hybrids", "Shown"]

_TRIES = 2
_AS_IT_IS: frozenset[Trait] = frozenset()


@dataclass(frozen=True)
class Shown:
    """What one boot of a hybrid showed: single findings, and which scenarios were played; not whether that is new.

    Of the scenarios in `unlike` one play left its script and another did not, in that boot.
    """

    findings: tuple[Finding, ...]
    played: frozenset[str]
    stood_up: bool
    unlike: frozenset[str] = frozenset()


class Hybrids:
    """Everything between an observation that passes and one that fails, of equal boots in two environments.

    Only `scenarios` are played. What a hybrid shows is remembered: boot `nth` of it (from 0) is made when it is first
    asked for, so that several findings share their boots, and yet each can ask twice. `booted` counts them, and
    `not_stood_up` those of which nothing came up. Each takes one of the `places`. Leaving the context takes down what
    forks stood beside. With `base` the traits are added to that environment, and not to the one that passes.
    """

    def __init__(
        self,
        subject: Subject,
        launcher: Launcher,
        observer: Observer,
        places: Places,
        *,
        passing: Observation,
        failing: Observation,
        scenarios: Collection[str],
        base: Environment | None = None,
    ) -> None:
        self._backend, self._today = subject.backend, subject.today
        self._launcher, self._observer, self._places = launcher, observer, places
        self.passing = subject.environments[passing.case.environment]
        self.failing = subject.environments[failing.case.environment]
        self.base = self.passing if base is None else base
        self.ends = passing, failing
        secret = subject.backend.known_secrets
        self.traits = tuple(
            msgspec.structs.replace(trait, text=" with ".join(part.name for part in trait.parts))
            if any(part.area == "setting" and part.name in secret for part in trait.parts)
            else trait
            for trait in differences(self.base, self.failing)
        )
        self.booted = self.not_stood_up = 0
        self._late = LateBoots()
        self._boot = failing.case.boot
        played = tuple(one for one in passing.transcripts if one.scenario in scenarios)
        self._passed = msgspec.structs.replace(passing, transcripts=played)
        self._scenarios = tuple(one for one in self._backend.scenarios if one.name in scenarios)
        self._shown: dict[tuple[frozenset[Trait], bool], list[Shown]] = {}
        self._exits = AsyncExitStack()
        self._based_on = functools.partial(
            Hybrids, subject, launcher, observer, places, passing=passing, failing=failing, scenarios=scenarios
        )
        self._behind: Hybrids | None = None
        self._forks: WarmBoots | None = None
        # A fork has no ingress before it and no second replica, and cannot have a server restarted for it alone.
        self._forkable = (
            self.base.ingress.kind == "none"
            and self.base.platform.replicas == 1
            and not any(one.disruptive or one.tells_workers_apart for one in self._scenarios)
            and self._boot.hasten == 1
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.__aexit__(kind, error, trace)

    def warm(self, traits: frozenset[Trait]) -> bool:
        """Whether a fork beside the passing environment can show that hybrid: settings alone, that are plain values.

        A setting that is taken away, made for a run, or known to the launcher only is given to a new process alone.
        """
        parts = [part for trait in traits for part in trait.parts]
        return self._forkable and all(
            part.area == "setting" and isinstance(self.failing.settings.get(part.name), str) for part in parts
        )

    def behind_an_ingress(self) -> Hybrids | None:
        """The same with an ingress that changes nothing before the passing environment; shared by whoever asks for it.

        None where that has an ingress, or the failing one has none. Such hybrids have no forks, so nothing has to be
        taken down.
        """
        if self._behind is None and (base := carried(self.passing, self.failing)) is not None:
            self._behind = self._based_on(base=base)
        return self._behind

    async def can_fork(self, until_s: float) -> bool:
        """Whether there are forks, which is found out by standing up what they would be beside.

        Raises `OutOfBoots` where that was not there at `until_s`.
        """
        if not self._forkable or not any(self.warm(frozenset({one})) for one in self.traits):
            return False
        try:
            async with asyncio.timeout(until_s - time.monotonic()), self._places.place():
                await self._beside_the_passing_one()
        except TimeoutError as error:
            raise OutOfBoots from error
        except (LaunchError, DeadlineExceeded):
            self._forkable = False  # whatever it was, cold boots do without them
        return self._forkable

    async def shown(
        self, traits: frozenset[Trait], nth: int, until_s: float, *, warm: bool = False, twice: bool = False
    ) -> Shown:
        """What shows in the passing environment with these traits of the failing one, in the nth boot of it.

        `twice`: what leaves its script is played once more, where that boot is not made yet; no fork does so.

        Raises `OutOfBoots` where that is not known at `until_s`, on the monotonic clock, and `WarmUnavailable` where it
        was to be a warm boot and there is none.
        """
        shown = self._shown.setdefault((traits, warm), [])
        while len(shown) <= nth:
            left_s = until_s - time.monotonic()
            if left_s <= 0:
                raise OutOfBoots
            try:
                async with asyncio.timeout(left_s):
                    shown.append(await self._judged(traits, warm=warm, twice=twice))
            except TimeoutError as error:
                raise OutOfBoots from error
        return shown[nth]

    def knows(self, traits: frozenset[Trait], nth: int, *, warm: bool = False) -> bool:
        """Whether that boot was made already."""
        return len(self._shown.get((traits, warm), ())) > nth

    async def _judged(self, traits: frozenset[Trait], *, warm: bool, twice: bool) -> Shown:
        """Judged beside the boot that passes, for parity is with something."""
        environment = mix(self.base, self.failing, traits)
        observation, _ = await self._late.believed(
            lambda: self._forked(environment, traits) if warm else self._observed(environment, twice=twice),
            self._places.place(idle=self._boot.hasten != 1),
            self._places.alone(),
        )
        self.booted += 1
        self.not_stood_up += observation.launch_failure is not None
        environments = {one.name: one for one in (self.passing, environment)}
        found = singles(Subject(self._backend, environments, self._today), (self._passed, observation))
        return Shown(
            findings=tuple(one for one in found if environment.name in one.environments),
            played=frozenset(one.scenario for one in observation.transcripts),
            stood_up=observation.launch_failure is None,
            unlike=frozenset(one.scenario for one in observation.control if one.departure is None),
        )

    async def _observed(self, environment: Environment, *, twice: bool) -> Observation:
        """What the engine itself fails at is tried once more."""
        case = Case(environment.name, self._backend.name, self._boot)
        failures: list[str] = []
        for _ in range(_TRIES):
            try:
                async with self._launcher.boot(case, lambda _waited_for: None, environment) as stack:
                    return await self._seen(stack, environment, warm=False, twice=twice)
            except (LaunchError, DeadlineExceeded) as error:
                failures.append(str(error))
                if not isinstance(error, EngineFailed):
                    break
        return self._observer.nothing(case, failures[-1])

    async def _forked(self, environment: Environment, traits: frozenset[Trait]) -> Observation:
        """The same of a fork, which takes the settings as its boot's own. It is judged as that environment's boot."""
        names = [part.name for trait in sorted(traits) for part in trait.parts]
        taken = {name: str(self.failing.settings[name]) for name in names}
        settings = tuple((taken | dict(self._boot.settings)).items())
        try:
            forks = await self._beside_the_passing_one()
            async with forks.boot(msgspec.structs.replace(self._boot, settings=settings)) as stack:
                seen = await self._seen(stack, environment, warm=True, twice=False)
        except (LaunchError, DeadlineExceeded) as error:
            self._forkable = False
            raise WarmUnavailable(str(error)) from error
        case = Case(environment.name, self._backend.name, self._boot)
        return msgspec.structs.replace(seen, case=case, warm=False)

    async def _beside_the_passing_one(self) -> WarmBoots:
        if self._forks is None:
            host = mix(self.base, self.failing, _AS_IT_IS)
            case = Case(host.name, self._backend.name, Boot())
            stack = await self._exits.enter_async_context(self._launcher.boot(case, lambda _waited_for: None, host))
            await stack.until_decided()
            self._forks = await self._exits.enter_async_context(self._launcher.warm(stack, lanes=1))
        return self._forks

    async def _seen(self, stack: Stack, environment: Environment, *, warm: bool, twice: bool) -> Observation:
        chosen = [one for one in self._scenarios if one.playable_in(environment)]
        began = time.monotonic()
        _, startup_s = await self._observer.see_through(stack, chosen)
        first = await self._observer.replicas(stack)
        played = await self._observer.peaceful(stack, chosen)
        left = {one.scenario for one in played if twice and one.departure is not None}
        control = await self._observer.peaceful(stack, [one for one in chosen if one.name in left], again=True)
        played += await self._observer.disruptive(stack, chosen)
        timings = {"startup": startup_s, "boot": round(time.monotonic() - began, 3)}
        return await self._observer.record(stack, first, played, timings, control=control, warm=warm)
