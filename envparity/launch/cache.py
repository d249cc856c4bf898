"""Where launchers keep on the host, between runs, what is dear to make: wheels, an empty database cluster."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import stat
import tempfile
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """`$ENVPARITY_CACHE`, else `$XDG_CACHE_HOME/envparity`, else `~/.cache/envparity`. Safe to delete at any time.

    What somebody else could have put there would be run: where others may write, or it is another user's, a folder of
    this process alone stands for it, which goes with it.
    """
    chosen = os.environ.get("ENVPARITY_CACHE")
    base = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "envparity"
    return base if _is_ours_alone(base) else _of_this_process()


def _is_ours_alone(folder: Path) -> bool:
    """Whether nobody else can put anything there; made where it is not, as far as that can be."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid != os.geteuid() or found.st_mode & stat.S_IWOTH:
            return False
        return not any(_lets_anybody_swap(parent.stat().st_mode) for parent in folder.resolve().parents)
    except OSError:
        return True  # there is nothing: whoever asks goes on without


def _lets_anybody_swap(mode: int) -> bool:
    return bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX


@functools.cache
def _of_this_process() -> Path:
    folder = tempfile.mkdtemp(prefix="envparity-cache-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
