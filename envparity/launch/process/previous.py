"""The code of the previous release, where a run of processes finds it."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from envparity.errors import ConfigurationError, Mistake
from envparity.model.backend import Backend, ProcessSource
from envparity.support.toml.document import shown_path

__all__ = ["previous_folder"]

_GIT_S = 60.0


def previous_folder(backend: Backend, source: ProcessSource, into: Path) -> Path | None:
    """The folder that stands for that of `source` in the previous release; None where the backend names none.

    The tree of a revision is written below `into`. Raises `ConfigurationError` where there is no such revision, or no
    such folder in it.
    """
    previous = backend.previous
    if previous is None:
        return None
    if previous.revision is None:
        return previous.folder
    git, here = shutil.which("git"), source.folder.resolve()
    top = None if git is None else _asked(git, here, "rev-parse", "--show-toplevel")
    packed = (
        None if git is None or top is None else _asked(git, Path(top.decode().strip()), "archive", previous.revision)
    )
    if top is None or packed is None:
        got = "no git, or no repository" if top is None else f"{previous.revision!r}, which is none"
        raise _wrong(backend, "a revision of the repository", got)
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(into, filter="data")
    folder = into / here.relative_to(Path(top.decode().strip()).resolve())
    if not folder.is_dir():
        raise _wrong(backend, f"a revision that has {folder.relative_to(into)}", previous.revision)
    for made in (into, *(path for path in into.rglob("*") if path.is_dir())):
        made.chmod(0o755)
    return folder


def _asked(git: str, folder: Path, *arguments: str) -> bytes | None:
    try:
        done = subprocess.run([git, *arguments], cwd=folder, capture_output=True, timeout=_GIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _wrong(backend: Backend, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError([Mistake(shown_path(backend.file), 0, "previous.revision", expected, got)])
