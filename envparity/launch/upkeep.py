"""Looks after a machine between runs: images are made before they are needed, and what dead runs left is removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from envparity.errors import EngineUnavailable
from envparity.launch.cleanup.leftovers import remove_leftover_folders
from envparity.launch.cleanup.sweep import sweep
from envparity.launch.container.engine import Engine
from envparity.launch.container.kind import backend_image, server_images
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder
from envparity.model.project import Project

__all__ = ["build_images", "remove_leftovers"]


def remove_leftovers(older_than_s: float | None, *, everything: bool) -> list[str]:
    """Remove what dead runs left on this machine, and in the container engine where one answers; the names of that."""
    try:
        engine = Engine()
    except EngineUnavailable:
        return remove_leftover_folders(everything=everything)
    try:
        # First: with its folder goes the lock that says of a run, to whoever sees it, whether it lives.
        removed = sweep(engine.client, older_than_s, everything=everything)
    finally:
        engine.close()
    return removed + remove_leftover_folders(everything=everything)


def build_images(project: Project, waiting: Callable[[str], None]) -> Iterator[str]:
    """Have every image that a run of that project needs in the container engine; one line for each."""
    engine = Engine()
    try:
        builder = ImageBuilder(engine.client, default_docker_folder(), waiting)
        for name, reference in builder.ensure(("base", *server_images(project))).items():
            yield f"{name:<10} {reference}"
        yield f"{'backend':<10} {backend_image(builder, project.backend)}"
    finally:
        engine.close()
