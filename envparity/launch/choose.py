"""Which launcher runs: the one asked for by name, or the best that this machine bears."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec

from envparity.dependency.kind import KINDS, Built, Image, RunsAsProcess, image_name, kind_of
from envparity.errors import ConfigurationError, EngineUnavailable, LaunchError, Mistake
from envparity.launch.attached.launcher import AttachedLauncher
from envparity.launch.container.engine import Engine
from envparity.launch.container.image_log import BuildFailed, ImageError
from envparity.launch.container.images import ImageBuilder, default_docker_folder
from envparity.launch.container.launcher import ContainerLauncher
from envparity.launch.container.sweep import sweep
from envparity.launch.leftovers import remove_leftover_folders
from envparity.launch.port import Launcher, Waiting
from envparity.launch.process.ingress.nginx import find_nginx
from envparity.launch.process.launcher import ProcessLauncher
from envparity.launch.process.limits import backend_argv
from envparity.launch.process.servers import HasServer
from envparity.launch.routed import RoutedLauncher
from envparity.model.backend import Backend
from envparity.model.environment import Dependency
from envparity.model.subject import Subject

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
_BUILD_LINES = 20
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
    if name == "process":
        _remove_folders(waiting)
        return process_launcher(subject)
    if not subject.backend.image.given:
        if name == "auto":
            _remove_folders(waiting)
            return process_launcher(subject, instead=LaunchError(f"{subject.backend.name} has no image"))
        expected, action = "a table, for --launcher container", "say there which image is the backend's"
        raise ConfigurationError([Mistake(str(subject.backend.file), 0, "image", expected, "none", action)])
    try:
        return _container_launcher(subject, waiting)
    except (EngineUnavailable, ServersUnavailable) as error:
        if name != "auto":
            raise
        _remove_folders(waiting)
        return process_launcher(subject, instead=error)


def _remove_folders(waiting: Waiting) -> None:
    """What dead runs left outside of the engine. After what they left in it: with its folder a run's lock is gone."""
    for leftover in remove_leftover_folders():
        waiting(f"removed {leftover}, which a dead run had left")


def process_problems(subject: Subject) -> list[str]:
    """Why that subject cannot be booted as processes of this machine, in words; nothing where it can be."""
    source = subject.backend.process
    if source is None:
        return [f"{subject.backend.file} has no table [process] that says how the backend is run without an image"]
    problems = [*_without_process(_declared(subject)), *_without_nginx(subject)]
    environments = subject.environments.values()
    own = (environment.command for environment in environments if environment.command)
    jobs = (job.command for environment in environments for job in environment.jobs.values())
    commands = dict.fromkeys((source.command, *own, *jobs))
    for command in commands:
        try:
            backend_argv(msgspec.structs.replace(source, command=command))
        except LaunchError as error:
            problems.append(str(error))
    return problems


def _without_process(declared: Sequence[Dependency]) -> Iterator[str]:
    """Which kinds of dependencies cannot be run as processes here, and why."""
    for name in sorted({one.kind for one in declared}):
        kind = KINDS.get(name)
        if not isinstance(kind, RunsAsProcess | HasServer):
            yield f"a {name} cannot be run as a process of this machine"
            continue
        with KINDS.guarding(kind):
            lacking = kind.lacking()
            lacks = [kind.lacks(one) for one in declared if one.kind == name]
        yield from dict.fromkeys(filter(None, [lacking] if lacking else lacks))
        if not (isinstance(kind, HasServer) or kind.own_tls) and any(
            one.tls != "off" for one in declared if one.kind == name
        ):
            yield f"a {name} of this machine speaks no TLS"


def _without_nginx(subject: Subject) -> Iterator[str]:
    """Which environments have a configuration for an nginx that is not installed here."""
    for environment in subject.environments.values():
        if environment.ingress.config is not None and find_nginx() is None:
            yield f"{environment.ingress.config} of {environment.name} is for nginx, which is not installed here"


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
        _remove_folders(waiting)
        images = _images(engine, subject, waiting)
    except BaseException:
        engine.close()
        raise
    own = {
        environment.image: images[own_image_name(name)]
        for name, environment in subject.environments.items()
        if environment.image is not None
    }
    run_id = secrets.token_hex(4)
    return ContainerLauncher(engine, subject.backend, subject.environments, images, run_id, own_images=own)


def _images(engine: Engine, subject: Subject, waiting: Waiting) -> dict[str, str]:
    """Every image that a case of the subject may need, by the name that the launcher knows it under."""
    builder = ImageBuilder(engine.client, default_docker_folder(), waiting)
    try:
        images = builder.ensure(server_images(subject))
    except ImageError as error:
        raise ServersUnavailable(error.image, error.problem, error.log_tail) from error
    for name, image in _own_images(subject).items():
        images[name] = _own_image(builder, name.partition(" ")[0], image)
    images["backend"] = backend_image(builder, subject.backend)
    for name, environment in subject.environments.items():
        if environment.image is not None:
            own = msgspec.structs.replace(subject.backend, image=environment.image)
            images[own_image_name(name)] = backend_image(builder, own)
    return images


def own_image_name(environment: str) -> str:
    """The name by which a run knows the image of the backend that an environment has for itself."""
    return f"backend of {environment}"


def server_images(subject: Subject) -> list[str]:
    """The images of the dependencies and of the ingress that some environment has, by the name of their folder."""
    wanted = {one.kind for one in _declared(subject) if image_name(one) not in _own_images(subject)}
    if any(environment.ingress.kind != "none" for environment in subject.environments.values()):
        wanted.add("ingress")
    return sorted(wanted)


def _declared(subject: Subject) -> list[Dependency]:
    """The dependencies of every environment."""
    return [one for environment in subject.environments.values() for one in environment.dependencies.values()]


def _own_images(subject: Subject) -> dict[str, Image]:
    """The images that are not built with the launcher's own, by name: of kinds that bring theirs, or of the files."""
    return {
        image_name(one): kind_of(one).image_of(one)
        for one in _declared(subject)
        if image_name(one) != one.kind or not KINDS.entries()[one.kind].built_in
    }


def _own_image(builder: ImageBuilder, kind: str, image: Image) -> str:
    """The reference of that image, built where it is not there. Raises `ImageError`."""
    match image:
        case Built():
            return _built(builder, kind, image, "dockerfile")
        case Path():
            return builder.ensure_backend(image / "Dockerfile", image, name=kind)
    builder.require(image)
    return image


def backend_image(builder: ImageBuilder, backend: Backend) -> str:
    """The backend's image: the one that its file names, or built.

    Raises `ConfigurationError` where the file gives none, and with the end of the build's output where the Dockerfile
    does not build; `ImageError` where the image is not there.
    """
    source = backend.image
    if source.name is not None:
        builder.require(source.name)
        return source.name
    if source.dockerfile is None or source.context is None:
        expected, action = "a table that says which image is the backend's", "add [image]"
        raise ConfigurationError([Mistake(str(backend.file), 0, "image", expected, "none", action)])
    built = Built(source.dockerfile, source.context, source.include)
    return _built(builder, "backend", built, "image.dockerfile", target=source.target or "")


def _built(builder: ImageBuilder, name: str, source: Built, key: str, *, target: str = "") -> str:
    """The reference of the team's own image. Raises `ConfigurationError` where its Dockerfile does not build."""
    try:
        return builder.ensure_backend(source.dockerfile, source.context, source.include, name=name, target=target)
    except BuildFailed as error:
        quoted = "".join(f"\n  | {line}" for line in error.log_tail.splitlines()[-_BUILD_LINES:])
        mistake = Mistake(str(source.dockerfile), 0, key, "a Dockerfile that builds", error.problem)
        raise ConfigurationError([replace(mistake, got=f"{error.problem}{quoted}")]) from error
