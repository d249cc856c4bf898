"""The commit that a run was about, as far as git knows it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import msgspec

__all__ = ["Revision", "revision_of"]

_GIT_S = 20.0


class Revision(msgspec.Struct, frozen=True):
    """The commit that is checked out, and whether the tracked files are those of it."""

    commit: str
    clean: bool


def revision_of(folder: Path) -> Revision | None:
    """The revision of the repository around that folder; None where there is none, or nothing that could be asked."""
    git = shutil.which("git")
    if git is None or not folder.is_dir():
        return None
    commit = _ask(git, folder, "rev-parse", "--verify", "--quiet", "HEAD")
    if not commit:
        return None
    changed = _ask(git, folder, "status", "--porcelain", "--untracked-files=no")
    return Revision(commit, changed == "")


def _ask(git: str, folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            [git, "--no-optional-locks", *arguments],
            cwd=folder, capture_output=True, text=True, timeout=_GIT_S, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
