"""Folders of what runs as somebody else."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["made_for"]


def made_for(folder: Path, user: int | None) -> None:
    """Make that folder, for that user alone."""
    folder.mkdir(mode=0o700)
    if user is not None:
        os.chown(folder, user, user)
