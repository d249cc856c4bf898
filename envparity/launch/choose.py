"""Which launcher runs: the one asked for by name, or the best that this machine bears."""

from __future__ import annotations

from dataclasses import replace

from envparity.errors import EngineUnavailable, LaunchError
from envparity.launch.container.kind import ServersUnavailable, container_launcher
from envparity.launch.foreign import opened
from envparity.launch.kinds import LAUNCHERS, remove_folders
from envparity.launch.port import Launcher, Waiting
from envparity.launch.process.kind import process_launcher
from envparity.launch.routed import RoutedLauncher
from envparity.model.project import Project

__all__ = ["AUTO", "choose_launcher"]

AUTO = "auto"
"""Asked for where the machine decides."""
_ATTACHED = "attached"


def choose_launcher(name: str, project: Project, waiting: Waiting) -> Launcher:
    """A launcher for every case of that project: what is attached is looked at, and only the others are booted.

    `name` is that of a kind that is installed, or "auto"; `waiting` is told in words what takes time. Where something
    is to be booted: raises `EngineUnavailable` where no container engine answers, `ImageError` where an image cannot be
    had, `LaunchError` where something that processes need is not on this machine, `ConfigurationError` where they are
    asked for by name and the backend's file does not say how, `DoorFailed` where another distribution's fails.
    """
    booted = {
        each_environment: environment
        for each_environment, environment in project.environments.items()
        if each_environment not in project.attached
    }
    if not booted or name == _ATTACHED:
        return _named(_ATTACHED, project, waiting)
    own = replace(project, environments=booted)
    booting = _best(own, waiting) if name == AUTO else _named(name, own, waiting)
    return RoutedLauncher(booting, project) if project.attached else booting


def _named(name: str, project: Project, waiting: Waiting) -> Launcher:
    """A launcher of the kind of that name."""
    return opened(LAUNCHERS.entries()[name], LAUNCHERS.get(name), project, waiting)


def _best(project: Project, waiting: Waiting) -> Launcher:
    """Containers where an engine answers and has, or can have, the images of the servers, else processes."""
    instead: LaunchError = LaunchError(f"{project.backend.name} has no image")
    if project.backend.image.given:
        try:
            return container_launcher(project, waiting)
        except (EngineUnavailable, ServersUnavailable) as error:
            instead = error
    remove_folders(waiting)
    return process_launcher(project, instead=instead)
