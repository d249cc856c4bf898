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
from envparity.model.subject import Subject

__all__ = ["AUTO", "choose_launcher"]

AUTO = "auto"
"""Asked for where the machine decides."""
_ATTACHED = "attached"


def choose_launcher(name: str, subject: Subject, waiting: Waiting) -> Launcher:
    """A launcher for every case of that subject: what is attached is looked at, and only the others are booted.

    `name` is that of a kind that is installed, or "auto"; `waiting` is told in words what takes time. Where something
    is to be booted: raises `EngineUnavailable` where no container engine answers, `ImageError` where an image cannot be
    had, `LaunchError` where something that processes need is not on this machine, `ConfigurationError` where they are
    asked for by name and the backend's file does not say how, `DoorFailed` where another distribution's fails.
    """
    booted = {
        each_environment: environment
        for each_environment, environment in subject.environments.items()
        if each_environment not in subject.attached
    }
    if not booted or name == _ATTACHED:
        return _named(_ATTACHED, subject, waiting)
    own = replace(subject, environments=booted)
    booting = _best(own, waiting) if name == AUTO else _named(name, own, waiting)
    return RoutedLauncher(booting, subject) if subject.attached else booting


def _named(name: str, subject: Subject, waiting: Waiting) -> Launcher:
    """A launcher of the kind of that name."""
    return opened(LAUNCHERS.entries()[name], LAUNCHERS.get(name), subject, waiting)


def _best(subject: Subject, waiting: Waiting) -> Launcher:
    """Containers where an engine answers and has, or can have, the images of the servers, else processes."""
    instead: LaunchError = LaunchError(f"{subject.backend.name} has no image")
    if subject.backend.image.given:
        try:
            return container_launcher(subject, waiting)
        except (EngineUnavailable, ServersUnavailable) as error:
            instead = error
    remove_folders(waiting)
    return process_launcher(subject, instead=instead)
