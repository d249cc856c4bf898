"""One environment that stands for as long as it is wanted, for boots that nobody planned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from envparity.engine.explore import BootsBeside, Explorer
from envparity.errors import ConfigurationError, Mistake
from envparity.model.case import Boot, Case
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = ["HeldEnvironment", "check_boots"]


class HeldEnvironment:
    """One environment of a run that stands until `end`, or until the run is closed. Made by `Run.stand`."""

    def __init__(self, explorer: Explorer, standing: Callable[[], AbstractAsyncContextManager[BootsBeside]]) -> None:
        self._explorer = explorer
        self._beside: asyncio.Future[BootsBeside] = asyncio.get_running_loop().create_future()
        self._over = asyncio.Event()
        # A task of its own, for what was entered in a task is left in the same.
        self._held = asyncio.create_task(self._hold(standing))

    @property
    def case(self) -> Case:
        return self._beside.result().case

    async def until_there(self) -> None:
        """Wait until it stands. Raises what kept it from that."""
        waited_for: set[asyncio.Future[None] | asyncio.Future[BootsBeside]] = {self._held, self._beside}
        await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        if self._held.done():
            await self._held

    async def observe(self, boot: Boot) -> Observation:
        """What that boot shows, beside what stands."""
        return await self._beside.result().observe(boot)

    async def observe_cold(self, boot: Boot) -> Observation:
        """The same in fresh containers."""
        return await self._explorer.observe_cold(Case(self.case.environment, self.case.backend, boot))

    async def end(self) -> None:
        """Take it down."""
        self._over.set()
        await self._held

    async def abandon(self) -> None:
        """Take it down, however far it has come."""
        self._held.cancel()
        await asyncio.gather(self._held, return_exceptions=True)

    async def _hold(self, standing: Callable[[], AbstractAsyncContextManager[BootsBeside]]) -> None:
        async with standing() as beside:
            self._beside.set_result(beside)
            await self._over.wait()


def check_boots(project: Project, environment: str) -> None:
    """Raise `ConfigurationError` unless that environment is one that is booted."""
    if environment not in project.environments:
        known = ", ".join(project.environments)
        raise ConfigurationError([Mistake("run", 0, "environment", f"one of {known}", repr(environment))])
    if environment in project.attached:
        got = f"{environment}, which is attached"
        raise ConfigurationError([Mistake("run", 0, "environment", "one that is booted", got)])
