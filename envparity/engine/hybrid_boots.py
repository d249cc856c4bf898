"""Boots of hybrids of two environments: cold ones, and forks beside the one that passes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AsyncExitStack
from types import TracebackType

import msgspec

from envparity.engine.hybrid_plays import played_on
from envparity.engine.observer import Observer
from envparity.engine.want_of_time import BootAttempt
from envparity.errors import DeadlineExceeded, EngineFailed, EngineSilent, LaunchError
from envparity.isolate import Trait, mix
from envparity.launch.controls import WarmBoots, WarmUnavailable, warm_boots
from envparity.launch.port import Launcher, Stack
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation

__all__ = ["HybridBoots"]

_AS_IT_IS: frozenset[Trait] = frozenset()
_OF_A_STACK = {"grows", "stops", "kills", "at once", "endures"}


class HybridBoots:
    """Boots environments between `base` and `failing`, as `boot` says, and plays `scenarios` on them.

    `also`: in each that starts users come back (`returns`), pages of other `origins` ask, what is held open is looked
    at between rounds of plays (`grows`), or a replica is stopped at the end (`stops`). What forks stand beside is taken
    down by `close`. Not `forkable`: there are no forks.
    """

    def __init__(
        self,
        launcher: Launcher,
        observer: Observer,
        backend: str,
        *,
        base: Environment,
        failing: Environment,
        boot: Boot,
        scenarios: Sequence[Scenario],
        also: Collection[str],
        forkable: bool,
    ) -> None:
        self._launcher, self._observer, self._backend = launcher, observer, backend
        self._base, self._failing, self._boot = base, failing, boot
        self._scenarios, self._also = scenarios, also
        self._exits = AsyncExitStack()
        self._forks: WarmBoots | None = None
        # A fork has no ingress before it and no second replica, cannot have a server restarted for it alone, and says
        # nothing of what it holds or how it stops; two of them share what was made at import.
        self.forkable = (
            forkable
            and base.ingress.kind == "none"
            and base.platform.replicas == 1
            and not any(scenario.disruptive or scenario.tells_workers_apart for scenario in scenarios)
            and _OF_A_STACK.isdisjoint(also)
            and boot.hasten == 1
            and not (boot.clocks or boot.slow or boot.apart_s or boot.unasked)
        )

    async def close(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take down what forks stood beside; that it is left with is told as to a context manager."""
        await self._exits.__aexit__(kind, error, trace)

    def can_show(self, traits: frozenset[Trait]) -> bool:
        """Whether a fork can show that hybrid: it differs in settings alone, which are plain values."""
        parts = [part for trait in traits for part in trait.parts]
        return self.forkable and all(
            part.area == "setting" and isinstance(self._failing.settings.get(part.name), str) for part in parts
        )

    async def can_fork(self) -> bool:
        """Whether there are forks, which is found out by standing up what they would be beside."""
        try:
            await self._beside_the_passing_one()
        except EngineSilent:
            raise
        except (LaunchError, DeadlineExceeded):
            self.forkable = False  # whatever it was, cold boots do without them
        return self.forkable

    def attempt(self, environment: Environment, traits: frozenset[Trait], *, warm: bool, twice: bool) -> BootAttempt:
        """One boot of that hybrid, which is made when it is called."""

        async def attempt(*, again: bool) -> Observation:
            del again
            if warm:
                return await self.forked(environment, traits)
            return await self.observed(environment, twice=twice)

        return attempt

    async def observed(self, environment: Environment, *, twice: bool) -> Observation:
        """What that hybrid shows. What the engine itself fails at is tried once more, and raised then.

        An engine that does not answer is not waited for again.
        """
        again = False
        while True:
            try:
                async with self._launcher.boot(environment, self._boot, lambda _waited_for: None) as stack:
                    return await self._seen(stack, environment, warm=False, twice=twice)
            except (LaunchError, DeadlineExceeded) as error:
                if isinstance(error, EngineSilent) or (again and isinstance(error, EngineFailed)):
                    raise
                if not isinstance(error, EngineFailed):
                    return self._observer.nothing(Case(environment.name, self._backend, self._boot), str(error))
                again = True

    async def forked(self, environment: Environment, traits: frozenset[Trait]) -> Observation:
        """The same of a fork, which takes the settings as its boot's own. It is judged as that environment's boot."""
        names = [part.name for trait in sorted(traits) for part in trait.parts]
        taken = {name: str(self._failing.settings[name]) for name in names}
        settings = tuple((taken | dict(self._boot.settings)).items())
        try:
            forks = await self._beside_the_passing_one()
            async with forks.boot(msgspec.structs.replace(self._boot, settings=settings)) as stack:
                seen = await self._seen(stack, environment, warm=True, twice=False)
        except EngineSilent:
            raise
        except (LaunchError, DeadlineExceeded) as error:
            self.forkable = False
            raise WarmUnavailable(str(error)) from error
        case = Case(environment.name, self._backend, self._boot)
        return msgspec.structs.replace(seen, case=case, warm=False)

    async def _beside_the_passing_one(self) -> WarmBoots:
        if self._forks is None:
            host = mix(self._base, self._failing, _AS_IT_IS)
            stack = await self._exits.enter_async_context(self._launcher.boot(host, Boot(), lambda _waited_for: None))
            await stack.until_decided()
            self._forks = await self._exits.enter_async_context(warm_boots(stack, lanes=1))
        return self._forks

    async def _seen(self, stack: Stack, environment: Environment, *, warm: bool, twice: bool) -> Observation:
        chosen = [scenario for scenario in self._scenarios if scenario.playable_in(environment)]
        return await played_on(
            self._observer, stack, chosen, self._also, warm=warm, twice=twice, environment=environment
        )
