"""A launcher that was somewhere else: what is known of it, and, where something is to be booted after all, one here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.observe.image import ImageRecord

__all__ = ["LauncherElsewhere", "LauncherFacts"]


class LauncherFacts(msgspec.Struct, frozen=True):
    """What a verdict says of the launcher."""

    name: str
    cannot_check: tuple[str, ...] = ()
    reason: str = ""
    images: tuple[ImageRecord, ...] = ()


class LauncherElsewhere:
    """Is what it is told of launchers elsewhere, and boots by one that `make` makes when it is first asked to boot.

    A run that has nothing to boot needs no engine on this machine.
    """

    def __init__(self, facts: LauncherFacts, run_id: str, make: Callable[[], Launcher]) -> None:
        self.name, self.reason = facts.name, facts.reason
        self.cannot_check, self.images = facts.cannot_check, facts.images
        self.run_id = run_id
        self._make = make
        self._making = asyncio.Lock()
        self._made: Launcher | None = None

    async def close(self) -> None:
        async with self._making:  # one that is being made is closed as well
            if self._made is not None:
                await self._made.close()

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        async with self._making:
            if self._made is None:
                waiting("a launcher on this machine")
                making = asyncio.ensure_future(asyncio.to_thread(self._make))
                try:
                    self._made = await asyncio.shield(making)
                except asyncio.CancelledError:
                    self._made = await making  # what it made is to be closed
                    raise
        async with self._made.boot(environment, boot, waiting) as stack:
            yield stack
