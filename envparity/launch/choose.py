"""Which launcher runs: the one asked for by name, or the best that this machine bears."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Literal

from envparity.backend import Backend
from envparity.errors import ConfigurationError, EngineUnavailable, LaunchError, Mistake
from envparity.launch.attached.launcher import AttachedLauncher
from envparity.launch.container.engine import Engine
from envparity.launch.container.image_log import ImageError
from envparity.launch.container.images import ImageBuilder, default_docker_folder
from envparity.launch.container.launcher import ContainerLauncher
from envparity.launch.container.sweep import sweep
from envparity.launch.leftovers import remove_leftover_folders
from envparity.launch.port import Launcher, Waiting
from envparity.launch.process.launcher import ProcessLauncher
from envparity.launch.process.limits import backend_argv
from envparity.launch.process.programs import missing_servers
from envparity.launch.routed import RoutedLauncher
from envparity.subject import Subject

__all__ = [
    "LAUNCHERS",
    "LauncherName",
    "ServersUnavailable",
    "backend_image",
    "choose_launcher",
    "process_launcher",
    "process_problems",
    "server_images",
]

LauncherName = Literal["auto", "container", "process"]
LAUNCHERS: tuple[LauncherName, ...] = ("auto", "container", "process")


class ServersUnavailable(ImageError):
    """The image of a dependency or of the ingress cannot be had."""


def choose_launcher(name: LauncherName, subject: Subject, waiting: Waiting) -> Launcher:
    """A launcher for every case of that subject: what is attached is looked at, and only the others are booted.

    `waiting` is told in words what takes time. Where something is to be booted: raises `EngineUnavailable` where no
    container engine answers, `ImageError` where an image cannot be had, `LaunchError` where something that processes
    need is not on this machine, `ConfigurationError` where they are asked for by name and the backend's file does not
    say how.
    """
    booted = {one: environment for one, environment in subject.environments.items() if one not in subject.attached}
    if not booted:
        return AttachedLauncher(subject)
    booting = _booting_launcher(name, replace(subject, environments=booted), waiting)
    return RoutedLauncher(booting, subject) if subject.attached else booting


def _booting_launcher(name: LauncherName, subject: Subject, waiting: Waiting) -> Launcher:
    """A launcher that can boot every case of that subject: leftovers of dead runs gone, engine reached, images there.

    "auto" takes containers where an engine answers and has, or can have, the images of the servers, else processes.
    """
    for leftover in remove_leftover_folders():
        waiting(f"removed {leftover}, which a dead run had left")
    if name == "process":
        return process_launcher(subject)
    try:
        return _container_launcher(subject, waiting)
    except (EngineUnavailable, ServersUnavailable) as error:
        if name != "auto":
            raise
        return process_launcher(subject, instead=error)


def process_problems(subject: Subject) -> list[str]:
    """Why that subject cannot be booted as processes of this machine, in words; nothing where it can be."""
    source = subject.backend.process
    if source is None:
        return [f"{subject.backend.file} has no table [process] that says how the backend is run without an image"]
    problems = missing_servers({d.kind for one in subject.environments.values() for d in one.dependencies.values()})
    try:
        backend_argv(source)
    except LaunchError as error:
        problems.append(str(error))
    return problems


def process_launcher(subject: Subject, instead: LaunchError | None = None) -> ProcessLauncher:
    """Boots that subject as processes; `instead` is what keeps it from being booted in containers.

    Raises that where processes are not possible either, saying why; see `choose_launcher`.
    """
    source, problems = subject.backend.process, process_problems(subject)
    if instead is not None and problems:
        kind = EngineUnavailable if isinstance(instead, EngineUnavailable) else LaunchError
        raise kind(f"{instead}\n  Nor can it be run without an engine: {'; '.join(problems)}") from instead
    if source is None:
        expected, action = "a table, for --launcher process", "say there how the backend is run without an image"
        raise ConfigurationError([Mistake(str(subject.backend.file), 0, "process", expected, "none", action)])
    if problems:
        raise LaunchError("; ".join(problems))
    reason = "" if instead is None else str(instead).splitlines()[0]
    return ProcessLauncher(subject.backend, source, subject.environments, secrets.token_hex(4), reason)


def _container_launcher(subject: Subject, waiting: Waiting) -> ContainerLauncher:
    engine = Engine()
    try:
        for leftover in sweep(engine.client):
            waiting(f"removed {leftover}, which a dead run had left")
        images = _images(engine, subject, waiting)
    except BaseException:
        engine.close()
        raise
    return ContainerLauncher(engine, subject.backend, subject.environments, images, run_id=secrets.token_hex(4))


def _images(engine: Engine, subject: Subject, waiting: Waiting) -> dict[str, str]:
    """Every image that a case of the subject may need, by the name that the launcher knows it under."""
    builder = ImageBuilder(engine.client, default_docker_folder(), waiting)
    try:
        images = builder.ensure(server_images(subject))
    except ImageError as error:
        raise ServersUnavailable(error.image, error.problem, error.log_tail) from error
    images["backend"] = backend_image(builder, subject.backend)
    return images


def server_images(subject: Subject) -> list[str]:
    """The images of the dependencies and of the ingress that some environment has, by the name of their folder."""
    environments = subject.environments.values()
    wanted: set[str] = {one.kind for environment in environments for one in environment.dependencies.values()}
    if any(environment.ingress.kind != "none" for environment in environments):
        wanted.add("ingress")
    return sorted(wanted)


def backend_image(builder: ImageBuilder, backend: Backend) -> str:
    """The backend's image: the one that its file names, or built. Raises `LaunchError` where the file gives neither."""
    source = backend.image
    if source.name is not None:
        return source.name
    if source.dockerfile is None or source.context is None:
        raise LaunchError(f"{backend.file}: [image] gives neither a name nor a dockerfile with its context")
    return builder.ensure_backend(source.dockerfile, source.context, source.include)
