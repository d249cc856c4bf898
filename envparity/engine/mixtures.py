"""Boots of mixtures: one environment with some of the traits of another, judged as that other one was.

Where a mixture differs from the passing environment in values of settings alone, a fork beside that environment shows
what it does at a tenth of the cost; whoever asks for a cold boot gets one all the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import msgspec

from envparity.case import Boot, Case
from envparity.engine.observer import Observer
from envparity.environment import Environment
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.isolate import OutOfBoots, Trait, differences, mix
from envparity.judge import judge
from envparity.judge.finding import Finding
from envparity.launch.port import Launcher, Stack, WarmBoots, WarmUnavailable
from envparity.observe.record import Observation
from envparity.subject import Subject

__all__ = ["Mixtures"]

_AS_IT_IS: frozenset[Trait] = frozenset()


class Mixtures:
    """Everything between an observation that passes and one that fails, of equal boots in two environments.

    Only `scenarios` are played. What a mixture shows is remembered: boot `nth` of it (from 0) is made when it is first
    asked for, so that several findings share their boots, and yet each can ask twice. `booted` counts them, and
    `not_stood_up` those of which nothing came up; they show no finding. Leaving the context takes down what forks stood
    beside.
    """

    def __init__(
        self,
        subject: Subject,
        launcher: Launcher,
        observer: Observer,
        *,
        passing: Observation,
        failing: Observation,
        scenarios: Collection[str],
    ) -> None:
        self._backend, self._today = subject.backend, subject.today
        self._launcher, self._observer = launcher, observer
        self.passing = subject.environments[passing.case.environment]
        self.failing = subject.environments[failing.case.environment]
        self.traits = differences(self.passing, self.failing)
        self.booted = self.not_stood_up = 0
        self._boot = failing.case.boot
        played = tuple(one for one in passing.transcripts if one.scenario in scenarios)
        self._passed = msgspec.structs.replace(passing, transcripts=played)
        self._scenarios = tuple(one for one in self._backend.scenarios if one.name in scenarios)
        self._shown: dict[tuple[frozenset[Trait], bool], list[tuple[Finding, ...]]] = {}
        self._exits = AsyncExitStack()
        self._forks: WarmBoots | None = None
        # A fork has no ingress before it and no second replica, and cannot have a server restarted for it alone.
        self._forkable = (
            self.passing.ingress.kind == "none"
            and self.passing.platform.replicas == 1
            and not any(one.disruptive for one in self._scenarios)
            and self._boot.hasten == 1
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._exits.__aexit__(kind, error, trace)

    def warm(self, traits: frozenset[Trait]) -> bool:
        """Whether a fork beside the passing environment can show that mixture: settings alone, that are plain values.

        A setting that is taken away, made for a run, or known to the launcher only is given to a new process alone.
        """
        parts = [part for trait in traits for part in trait.parts]
        return self._forkable and all(
            part.area == "setting" and isinstance(self.failing.settings.get(part.name), str) for part in parts
        )

    async def can_fork(self, until_s: float) -> bool:
        """Whether there are forks, which is found out by standing up what they would be beside.

        Raises `OutOfBoots` where that was not there at `until_s`.
        """
        if not self._forkable or not any(self.warm(frozenset({one})) for one in self.traits):
            return False
        try:
            async with asyncio.timeout(until_s - time.monotonic()):
                await self._beside_the_passing_one()
        except TimeoutError as error:
            raise OutOfBoots from error
        except (LaunchError, DeadlineExceeded):
            self._forkable = False  # whatever it was, cold boots do without them
        return self._forkable

    async def findings(
        self, traits: frozenset[Trait], nth: int, until_s: float, *, warm: bool = False
    ) -> tuple[Finding, ...]:
        """What is found in the passing environment with these traits of the failing one, in the nth boot of it.

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
                    shown.append(await self._judged(traits, warm=warm))
            except TimeoutError as error:
                raise OutOfBoots from error
        return shown[nth]

    def knows(self, traits: frozenset[Trait], nth: int, *, warm: bool = False) -> bool:
        """Whether that boot was made already."""
        return len(self._shown.get((traits, warm), ())) > nth

    async def _judged(self, traits: frozenset[Trait], *, warm: bool) -> tuple[Finding, ...]:
        """Judged beside the boot that passes, for parity is with something."""
        environment = mix(self.passing, self.failing, traits)
        observation = await (self._forked(environment, traits) if warm else self._observed(environment))
        self.booted += 1
        self.not_stood_up += observation.launch_failure is not None
        environments = {one.name: one for one in (self.passing, environment)}
        judgement = judge(Subject(self._backend, environments, self._today), (self._passed, observation))
        return tuple(one for one in judgement.findings if environment.name in one.environments)

    async def _observed(self, environment: Environment) -> Observation:
        case = Case(environment.name, self._backend.name, self._boot)
        try:
            async with self._launcher.boot(case, lambda _waited_for: None, environment) as stack:
                return await self._seen(stack, environment, warm=False)
        except (LaunchError, DeadlineExceeded) as error:
            return self._observer.nothing(case, str(error))

    async def _forked(self, environment: Environment, traits: frozenset[Trait]) -> Observation:
        """The same of a fork, which takes the settings as its boot's own. It is judged as that environment's boot."""
        names = [part.name for trait in sorted(traits) for part in trait.parts]
        taken = {name: str(self.failing.settings[name]) for name in names}
        settings = tuple((taken | dict(self._boot.settings)).items())
        try:
            forks = await self._beside_the_passing_one()
            async with forks.boot(msgspec.structs.replace(self._boot, settings=settings)) as stack:
                seen = await self._seen(stack, environment, warm=True)
        except (LaunchError, DeadlineExceeded) as error:
            self._forkable = False
            raise WarmUnavailable(str(error)) from error
        case = Case(environment.name, self._backend.name, self._boot)
        return msgspec.structs.replace(seen, case=case, warm=False)

    async def _beside_the_passing_one(self) -> WarmBoots:
        if self._forks is None:
            host = mix(self.passing, self.failing, _AS_IT_IS)  # under a name of its own: the other may stand already
            case = Case(host.name, self._backend.name, Boot())
            stack = await self._exits.enter_async_context(self._launcher.boot(case, lambda _waited_for: None, host))
            await stack.until_decided()
            self._forks = await self._exits.enter_async_context(self._launcher.warm(stack, lanes=1))
        return self._forks

    async def _seen(self, stack: Stack, environment: Environment, *, warm: bool) -> Observation:
        chosen = [one for one in self._scenarios if one.playable_in(environment)]
        began = time.monotonic()
        _, startup_s = await self._observer.see_through(stack, chosen)
        first = await self._observer.replicas(stack)
        played = await self._observer.peaceful(stack, chosen) + await self._observer.disruptive(stack, chosen)
        timings = {"startup": startup_s, "boot": round(time.monotonic() - began, 3)}
        return await self._observer.record(stack, first, played, timings, warm=warm)
