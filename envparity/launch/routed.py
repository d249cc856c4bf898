"""Each environment by its own launcher: those that are attached are looked at, the others booted."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from envparity.launch.attached.launcher import AttachedLauncher
from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.image import ImageRecord

__all__ = ["RoutedLauncher"]


class RoutedLauncher:
    """A `Launcher` over that of what is booted, whose name and run id it bears, and that of what is attached."""

    def __init__(self, booting: Launcher, project: Project) -> None:
        self._booting = booting
        self._attached = AttachedLauncher(project, booting.run_id)
        self._names = frozenset(project.attached)

    @property
    def name(self) -> str:
        return self._booting.name

    @property
    def reason(self) -> str:
        return self._booting.reason

    @property
    def run_id(self) -> str:
        return self._booting.run_id

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        return self._booting.images

    @property
    def cannot_check(self) -> tuple[str, ...]:
        return (*self._booting.cannot_check, *self._attached.cannot_check)

    def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AbstractAsyncContextManager[Stack]:
        chosen = self._attached if environment.name in self._names else self._booting
        return chosen.boot(environment, boot, waiting)

    async def close(self) -> None:
        await self._booting.close()
