"""Whether the globs of a backend's file name anything: said before anything is built or copied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from envparity.errors import Mistake
from envparity.launch.images.context import names_a_file
from envparity.model.backend import Backend
from envparity.support.toml.document import shown_path

__all__ = ["included_nothing"]


def included_nothing(backend: Backend) -> list[Mistake]:
    """A mistake for each glob of an `include` that names no file; those that take something back (`!`) may."""
    image, process = backend.image, backend.process
    mistakes: list[Mistake] = []
    if image.context is not None and image.include != ("**",):
        mistakes += _empty(backend, "image.include", image.context, image.include)
    if process is not None:
        mistakes += _empty(backend, "process.include", process.folder, process.include)
    return mistakes


def _empty(backend: Backend, key: str, folder: Path, globs: Sequence[str]) -> Iterator[Mistake]:
    for index, glob in enumerate(globs):
        if not glob.startswith("!") and not names_a_file(folder, glob):
            action = "globs are relative to that folder, and ** crosses folders"
            yield Mistake(
                str(backend.file),
                0,
                f"{key}[{index}]",
                f"a glob of files below {shown_path(folder)}",
                repr(glob),
                action,
            )
