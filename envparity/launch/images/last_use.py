"""What images keep on the host between runs: when each was last asked for."""

from __future__ import annotations

from envparity.launch.cache import cache_folder

__all__ = ["last_used", "note_use"]


def note_use(name: str, tag: str) -> None:
    """Remember that this image was asked for now: a build that only repeats cached steps keeps an old creation time."""
    mark = cache_folder() / "images" / name / tag
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def last_used(name: str, tag: str) -> float:
    """When this image was last asked for, in seconds since the epoch; 0.0 where nobody remembers."""
    try:
        return (cache_folder() / "images" / name / tag).stat().st_mtime
    except FileNotFoundError:
        return 0.0
