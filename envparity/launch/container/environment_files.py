"""The files of an environment, filled with a boot's settings, where the containers of its backend mount them from.

The data of its time zone is one of them: few images have any.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from envparity.launch.zone_file import zone_files
from envparity.model.environment import Environment

__all__ = ["EnvironmentFiles"]


@dataclass(frozen=True)
class EnvironmentFiles:
    """Those of one boot, in a folder made in `folder`. `places` has each by the path at which the backend finds it."""

    environment: Environment
    folder: Path
    places: dict[str, Path] = field(default_factory=dict)

    def write(self, exits: AsyncExitStack, values: Mapping[str, str]) -> None:
        """Write them, filled with these settings, for all containers of the backend; once a boot."""
        zone = zone_files(self.environment)
        if self.places or not (self.environment.files or zone):
            return
        folder = Path(tempfile.mkdtemp(prefix="files-", dir=self.folder))
        exits.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.chmod(0o755)  # for the backend's user; nobody else enters the folder around it
        for number, (path, template) in enumerate(self.environment.files.items()):
            text = template.filled(values).encode("utf-8", errors="surrogateescape")
            self._place(path, folder / str(number), text)
        for path, data in zone.items():
            self._place(path, folder / "zone", data)

    def _place(self, path: str, place: Path, content: bytes) -> None:
        place.write_bytes(content)
        place.chmod(0o644)
        self.places[path] = place
