"""Which files of `extends` are one, because their source reads them together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envparity.sources.source import SOURCES, ReadsTogether

__all__ = ["Together"]


@dataclass(frozen=True)
class Together:
    """Files that were read just before, as one; `part` is what of them was asked for."""

    paths: tuple[Path, ...] = ()
    part: str = ""

    def joined(self, path: Path, part: str) -> tuple[Path, ...]:
        """Those of them with which that file is one; none where it stands for itself. Raises `DoorFailed`."""
        if not self.paths or self.paths[-1].parent != path.parent or self.part != part:
            return ()
        for source in SOURCES.every().values():
            with SOURCES.guarding(source):
                if source.reads(self.paths[-1]):
                    return self.paths if isinstance(source, ReadsTogether) and source.reads(path) else ()
        return ()
