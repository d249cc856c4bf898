"""The launcher `container`: the engine reached, what dead runs left gone, and every image there."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

import msgspec
from docker.errors import APIError

from envparity.dependency.kind import KINDS, Built, Image, image_name, kind_of
from envparity.errors import ConfigurationError, Mistake
from envparity.launch.cleanup.sweep import sweep
from envparity.launch.container.engine import Engine
from envparity.launch.container.launcher import ContainerLauncher
from envparity.launch.container.relay import IMAGE as RELAY
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.launch.images.log import BuildFailed, ImageError
from envparity.launch.kinds import LauncherKind, remove_folders
from envparity.launch.port import Waiting
from envparity.model.backend import Backend
from envparity.model.project import Project

__all__ = ["KIND", "ServersUnavailable", "backend_image", "container_launcher", "own_image_name", "server_images"]

_BUILD_LINES = 20


class ServersUnavailable(ImageError):
    """The image of a dependency or of the ingress cannot be had."""


def _open(project: Project, waiting: Waiting) -> ContainerLauncher:
    if not project.backend.image.given:
        expected, action = "a table, for --launcher container", "say there which image is the backend's"
        raise ConfigurationError([Mistake(str(project.backend.file), 0, "image", expected, "none", action)])
    return container_launcher(project, waiting)


def container_launcher(project: Project, waiting: Waiting) -> ContainerLauncher:
    """A launcher with every image that a case of the project may need. Raises as `choose_launcher` does."""
    engine = Engine()
    try:
        try:
            for leftover in sweep(engine.client):
                waiting(f"removed {leftover}, which a dead run had left")
        except APIError as error:  # no matter of this run
            waiting(f"left where it is what a dead run had left: the engine says {error.explanation}")
        remove_folders(waiting)
        images = _images(engine, project, waiting)
    except BaseException:
        engine.close()
        raise
    own = {
        environment.image: images[own_image_name(name)]
        for name, environment in project.environments.items()
        if environment.image is not None
    }
    run_id = secrets.token_hex(4)
    return ContainerLauncher(engine, project.backend, images, run_id, own_images=own, salt=project.salt)


def _images(engine: Engine, project: Project, waiting: Waiting) -> dict[str, str]:
    """Every image that a case of the project may need, by the name that the launcher knows it under."""
    builder = ImageBuilder(engine.client, default_docker_folder(), waiting)
    try:
        images = builder.ensure(server_images(project))
    except ImageError as error:
        raise ServersUnavailable(error.image, error.problem, error.log_tail) from error
    for name, image in _own_images(project).items():
        images[name] = _own_image(builder, name.partition(" ")[0], image)
    images["backend"] = backend_image(builder, project.backend)
    for name, environment in project.environments.items():
        if environment.image is not None:
            own = msgspec.structs.replace(project.backend, image=environment.image)
            images[own_image_name(name)] = backend_image(builder, own)
    return images


def own_image_name(environment: str) -> str:
    """The name by which a run knows the image of the backend that an environment has for itself."""
    return f"backend of {environment}"


def server_images(project: Project) -> list[str]:
    """The images of what is started beside the backend in some environment, by the name of their folder."""
    wanted = {
        dependency.kind for dependency in project.dependencies if image_name(dependency) not in _own_images(project)
    }
    if any(environment.ingress.kind != "none" for environment in project.environments.values()):
        wanted.add("ingress")
    if any(scenario.client_addresses for scenario in project.backend.scenarios):
        wanted.add(RELAY)
    return sorted(wanted)


def _own_images(project: Project) -> dict[str, Image]:
    """The images that are not built with the launcher's own, by name: of kinds that bring theirs, or of the files."""
    return {
        image_name(dependency): kind_of(dependency).image_of(dependency)
        for dependency in project.dependencies
        if image_name(dependency) != dependency.kind or not KINDS.entries()[dependency.kind].built_in
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


KIND = LauncherKind("containers, of images that are built by their content", _open)
