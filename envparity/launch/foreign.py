"""Launchers of other distributions: what they raise, and what they give that is none, names who brought them in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from envparity.doors import InstalledEntry, unforeseen
from envparity.errors import DoorFailed
from envparity.launch.kinds import LauncherKind
from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.image import ImageRecord

__all__ = ["ForeignLauncher", "opened"]


def opened(entry: InstalledEntry, kind: LauncherKind, project: Project, waiting: Waiting) -> Launcher:
    """A launcher of that kind for that project. Raises `DoorFailed` where another distribution's fails."""
    with unforeseen(entry):
        launcher: object = kind.open(project, waiting)
    if not isinstance(launcher, Launcher):
        raise DoorFailed(str(entry), f"it opened {type(launcher).__name__}, not a Launcher")
    return launcher if entry.built_in else ForeignLauncher(entry, launcher)


class ForeignLauncher:
    """A launcher of another distribution, under the name of its entry point.

    Whatever is not foreseen as long as one of its stacks is in use is its fault: nothing of the sort comes of ours.
    """

    def __init__(self, entry: InstalledEntry, launcher: Launcher) -> None:
        self._entry, self._launcher = entry, launcher
        self.name = entry.name

    @property
    def run_id(self) -> str:
        return self._launcher.run_id

    @property
    def reason(self) -> str:
        return self._launcher.reason

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        return self._launcher.images

    @property
    def cannot_check(self) -> tuple[str, ...]:
        return self._launcher.cannot_check

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        with unforeseen(self._entry):
            async with self._launcher.boot(environment, boot, waiting) as stack:
                if not isinstance(stack, Stack):
                    raise DoorFailed(str(self._entry), f"it booted {type(stack).__name__}, not a Stack")
                yield stack

    async def close(self) -> None:
        with unforeseen(self._entry):
            await self._launcher.close()
