"""The images: named by their content, built when missing, found at once when not.

An image is called `envparity/<name>:<12 hex digits>`, the digits a hash of its Dockerfile, of every file that its build
is given, and of the base's layers. So nothing is ever stale, and a build with nothing changed is one question to the
engine.

    python -m envparity.launch.images.builder [name ...]

builds them all, or those named, and prints a line for each.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import docker
import requests
from docker.errors import DockerException

from envparity.errors import EnvparityError
from envparity.launch.images.base import BASE, ensure_base
from envparity.launch.images.build import build, exists, prune
from envparity.launch.images.context import ContextFile, choose_files, content_hash, ignore_patterns
from envparity.launch.images.folder import default_docker_folder, image_names
from envparity.launch.images.last_use import note_use
from envparity.launch.images.log import ImageError
from envparity.launch.images.wheels import ensure_wheelhouse
from envparity.launch.images.work import side_by_side

__all__ = ["ImageBuilder", "ImageError", "ImageSpec"]

# What the builder adds to a context lies under this name, where no file of the context's owner is.
_ADDED = ".envparity"
_WHEELHOUSE = f"{_ADDED}/wheelhouse"


@dataclass(frozen=True)
class ImageSpec:
    """What one image is built from: a Dockerfile, and the files of a folder that the globs of `include` choose.

    A Dockerfile that copies from `.envparity/wheelhouse` finds there the wheels that the `requirements.lock` beside it
    names, and the lock itself as `.envparity/requirements.lock`.
    """

    name: str
    dockerfile: Path
    context: Path
    include: tuple[str, ...] = ("**",)
    target: str = ""


class ImageBuilder:
    """Has images in the engine that `client` talks to. Thread safe: each image is built once, whoever asks first.

    `docker_folder` holds one folder per image; `progress` is told, in a line each, what takes time.
    """

    def __init__(self, client: docker.DockerClient, docker_folder: Path, progress: Callable[[str], None]) -> None:
        self._client = client
        self._docker_folder = docker_folder
        self._progress = progress
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._locks_lock = threading.Lock()
        self._base_digest: str | None = None
        self._architecture: str | None = None

    def ensure(self, names: Sequence[str]) -> dict[str, str]:
        """Have these images, of `image_names`; returns the reference of each. Missing ones are built side by side.

        Raises `ImageError` where one cannot be had, `DeadlineExceeded` where one takes too long. An interrupt does not
        wait for a build: the engine gives up one whose client is gone.
        """
        known = image_names(self._docker_folder)
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise ImageError(unknown[0], f"expected one of {', '.join(known)}")
        if not names:
            return {}
        return dict(zip(names, side_by_side(self._ensure_named, names), strict=True))

    def ensure_backend(
        self,
        dockerfile: Path,
        context: Path,
        include: Sequence[str] = ("**",),
        *,
        name: str = "backend",
        target: str = "",
    ) -> str:
        """Have the image of any backend, by its own Dockerfile, wherever that lies; returns the reference.

        `target` is the stage that it ends with; "": the last.
        `include` are globs of the context, `<Dockerfile>.dockerignore` (else the context's `.dockerignore`) takes away
        from them. Raises as `ensure` does.
        """
        return self._ensure_spec(ImageSpec(name, dockerfile, context, tuple(include), target))

    def require(self, reference: str) -> None:
        """Check that the engine has that image. Raises `ImageError` where it has not: nothing is pulled."""
        try:
            there = exists(self._client, reference)
        except (DockerException, requests.exceptions.RequestException) as error:
            raise ImageError(reference, f"the engine refused: {error}") from error
        if not there:
            raise ImageError(reference, "the engine has none of that name; build or pull it first")

    def _ensure_named(self, name: str) -> str:
        folder = self._docker_folder / name
        if name == "base":
            self._ensure_base()
            return BASE
        if name == "backend":
            return self._ensure_spec(
                ImageSpec(name, folder / "Dockerfile", folder.parent.parent, ("netra_backend/**/*.py",))
            )
        return self._ensure_spec(ImageSpec(name, folder / "Dockerfile", folder))

    def _ensure_spec(self, spec: ImageSpec) -> str:
        repository = f"envparity/{spec.name}"
        try:
            files = self._files_of(spec)
            reference = f"{repository}:{self._tag_of(spec, files)}"
            # Noted before old tags are removed: this one is the newest.
            note_use(spec.name, reference.rpartition(":")[2])
            # One build at a time of the same image: the second caller then finds what the first one made.
            with self._lock(reference):
                if not exists(self._client, reference):
                    self._build(spec, reference, files)
                    prune(self._client, spec.name, repository)
        except (DockerException, requests.exceptions.RequestException) as error:
            raise ImageError(spec.name, f"the engine refused: {error}") from error
        except OSError as error:
            raise ImageError(spec.name, f"a file of its build cannot be used: {error}") from error
        return reference

    def _files_of(self, spec: ImageSpec) -> list[ContextFile]:
        if not spec.dockerfile.is_file():
            raise ImageError(spec.name, f"expected a Dockerfile at {spec.dockerfile}, there is none")
        files = choose_files(spec.context, spec.include, ignore_patterns(spec.dockerfile, spec.context))
        if not files:
            raise ImageError(spec.name, f"{', '.join(spec.include)} chooses no file below {spec.context}")
        return files

    def _tag_of(self, spec: ImageSpec, files: Sequence[ContextFile]) -> str:
        text = spec.dockerfile.read_text(encoding="utf-8")
        facts = [text, self._ensure_base() if f"FROM {BASE}" in text else ""]
        if spec.target:
            facts.append(f"target {spec.target}")
        if _WHEELHOUSE in text:
            facts += [self._lock_file(spec).read_text(encoding="utf-8"), self._engine_architecture()]
        return content_hash(files, *facts)

    def _build(self, spec: ImageSpec, reference: str, files: Sequence[ContextFile]) -> None:
        given = list(files)
        dockerfile = spec.dockerfile.read_text(encoding="utf-8")
        if _WHEELHOUSE in dockerfile:
            lock = self._lock_file(spec)
            given.append(ContextFile(f"{_ADDED}/requirements.lock", lock))
            wheels = ensure_wheelhouse(spec.name, lock, self._engine_architecture(), self._progress)
            given += [ContextFile(f"{_WHEELHOUSE}/{wheel.name}", wheel) for wheel in wheels.iterdir()]
        self._progress(f"{spec.name}: building {reference}")
        build(self._client, spec.name, reference, dockerfile, given, target=spec.target)

    def _lock_file(self, spec: ImageSpec) -> Path:
        lock = spec.dockerfile.with_name("requirements.lock")
        if not lock.is_file():
            raise ImageError(spec.name, f"{spec.dockerfile} copies {_WHEELHOUSE}, so expected {lock}, there is none")
        return lock

    def _ensure_base(self) -> str:
        with self._lock(BASE):
            if self._base_digest is None:
                self._base_digest = ensure_base(
                    self._client, self._docker_folder / "base" / "bootstrap.sh", self._progress
                )
            return self._base_digest

    def _engine_architecture(self) -> str:
        if self._architecture is None:
            self._architecture = str(self._client.api.version()["Arch"])
        return self._architecture

    def _lock(self, key: str) -> threading.Lock:
        with self._locks_lock:
            return self._locks[key]


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(image_names(default_docker_folder())))
def main(names: tuple[str, ...]) -> None:
    """Build the images (all, or those NAMES) and print one line for each."""
    try:
        client = docker.from_env()
        builder = ImageBuilder(client, default_docker_folder(), lambda line: click.echo(line, err=True))

        def line(name: str) -> str:
            started = time.monotonic()
            reference = builder.ensure([name])[name]
            seconds = time.monotonic() - started
            size_mb = client.images.get(reference).attrs["Size"] / 1e6
            return f"{name:<10}{reference:<36}{seconds:8.2f} s {size_mb:8.1f} MB"

        for done in side_by_side(line, names or image_names(default_docker_folder())):
            click.echo(done)
    except (EnvparityError, DockerException) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
