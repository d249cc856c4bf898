"""What a launcher's kind is, and the door by which launchers come in: `envparity.launchers`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from envparity.doors import Door
from envparity.launch.cleanup.leftovers import remove_leftover_folders
from envparity.launch.port import Launcher, Waiting
from envparity.model.project import Project

__all__ = ["LAUNCHERS", "LauncherKind", "remove_folders"]


def _no_problems(_project: Project) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class LauncherKind:
    """A kind of launcher: what it boots, in a few words, and what makes one for all cases of a project.

    `open` is given who is told in words what takes time; it raises `ConfigurationError` where the files are wrong for
    it, `LaunchError` where something of this machine is. `problems` says of a project in words why it could not be
    booted, without starting anything.
    """

    help: str
    open: Callable[[Project, Waiting], Launcher]
    problems: Callable[[Project], Sequence[str]] = _no_problems


LAUNCHERS: Final[Door[LauncherKind]] = Door(
    "envparity.launchers", "a LauncherKind", lambda found: found if isinstance(found, LauncherKind) else None
)


def remove_folders(waiting: Waiting) -> None:
    """Remove what dead runs left outside of the engine.

    After what they left in it: with its folder a run's lock is gone.
    """
    for leftover in remove_leftover_folders():
        waiting(f"removed {leftover}, which a dead run had left")
