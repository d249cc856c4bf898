"""Where launchers keep on the host, between runs, what is dear to make: wheels, an empty database cluster."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """`$ENVPARITY_CACHE`, else `$XDG_CACHE_HOME/envparity`, else `~/.cache/envparity`. Safe to delete at any time."""
    chosen = os.environ.get("ENVPARITY_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "envparity"
