"""PostgreSQL and a Redis-protocol server as processes of this machine: folders, commands, when they are ready.

Nothing here needs an event loop: whoever starts a server polls `ready`.
"""

from __future__ import annotations

import os
import signal
import socket
from abc import ABC, abstractmethod
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from envparity.errors import LaunchError
from envparity.launch.dependencies import USER
from envparity.launch.process.child import Child, Program
from envparity.launch.process.cluster import copy_cluster, run_sql
from envparity.launch.process.guarding import Guard
from envparity.launch.process.held_port import HeldPort
from envparity.launch.process.programs import ServerPrograms

__all__ = ["PostgresServer", "RedisServer", "Server"]

_STOP_S = 5.0
_MAX_CONNECTIONS = 100


@dataclass
class Server(ABC):
    """A server in the folder `folder`, which is made. `socket_only`: it can be reached by its Unix socket alone.

    `password` "" means that there is none. `environment` is that of its process.
    """

    programs: ServerPrograms
    folder: Path
    password: str = field(repr=False)
    guard: Guard | None = None
    socket_only: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    held: HeldPort = field(init=False)
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700)
        if self.programs.user is not None:
            os.chown(self.folder, self.programs.user, self.programs.user)
        self.held = HeldPort()
        self.child = Child(self._program(), self.guard)

    @property
    def port(self) -> int:
        """Of 127.0.0.1."""
        return self.held.number

    @property
    @abstractmethod
    def socket(self) -> Path:
        """Its Unix socket."""

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether it takes commands now. Raises `LaunchError` where it has ended."""

    @abstractmethod
    def _program(self) -> Program: ...

    @abstractmethod
    def prepare(self) -> None:
        """What is done once, when it is ready for the first time."""

    def start(self) -> None:
        """Start it, with the data that it had."""
        self.child.start()

    async def stop(self) -> None:
        """Stop it in order, so that its data is whole."""
        await self.child.stop(signal.SIGINT, _STOP_S)

    async def end(self) -> None:
        """Stop it for good, as quickly as nothing of it is left."""
        await self.child.stop(self.child.program.first, _STOP_S)
        self.held.release()

    def stop_now(self) -> None:
        """As `stop`, where there is no event loop."""
        self.child.stop_now(signal.SIGINT, _STOP_S)

    def _started_program(self, argv: list[str], first: signal.Signals) -> Program:
        environment = {"PATH": os.defpath, "LC_ALL": "C", **self.environment}
        log = self.folder.with_name(f"{self.folder.name}.log")
        return Program(argv, environment, self.folder, log, self.programs.user, first=first)

    def _still_there(self) -> None:
        if self.child.exit_code is not None:
            name = Path(self.child.program.argv[0]).name
            raise LaunchError(f"{name} has ended with status {self.child.exit_code}: {self.child.log_tail(10)}")


@dataclass
class PostgresServer(Server):
    """PostgreSQL with the role and the database `app`."""

    max_connections: int | None = None

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
        programs, user = self.programs.postgres(), self.programs.user
        quoted = self.password.replace("'", "''")
        run_sql(programs, self.folder, self.port, user, f"ALTER ROLE {USER} PASSWORD '{quoted}'")

    def _program(self) -> Program:
        programs = self.programs.postgres()
        copy_cluster(programs, self.data, self.programs.user, behind_tls=self.socket_only)
        settings = {
            "listen_addresses": "" if self.socket_only else "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self.folder,
            "max_connections": self.max_connections or _MAX_CONNECTIONS,
        }
        options = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        # SIGQUIT: at once, but what it has in the system's shared memory goes with it.
        return self._started_program([str(programs / "postgres"), "-D", str(self.data), *options], signal.SIGQUIT)


@dataclass
class RedisServer(Server):
    """A Redis-protocol server that keeps nothing: a restart begins empty, as that of the container does."""

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def ready(self) -> bool:
        """By asking: whoever has no password is told so, and that is an answer too."""
        self._still_there()
        family = socket.AF_UNIX if self.socket_only else socket.AF_INET
        with closing(socket.socket(family, socket.SOCK_STREAM)) as asking:
            asking.settimeout(1.0)
            try:
                asking.connect(str(self.socket) if self.socket_only else ("127.0.0.1", self.port))
                asking.sendall(b"PING\r\n")
                return asking.recv(1) in {b"+", b"-"}
            except OSError:
                return False

    def prepare(self) -> None:
        """Nothing: its password stands in its configuration."""

    def _program(self) -> Program:
        lines = ['save ""', "appendonly no", "daemonize no", "databases 16", "maxmemory 64mb"]
        lines += ["maxmemory-policy noeviction", f'dir "{self.folder}"']
        if self.socket_only:
            lines += ["port 0", f'unixsocket "{self.socket}"', "unixsocketperm 700"]
        else:
            lines += [f"port {self.port}", "bind 127.0.0.1", "protected-mode no"]
        if self.password:
            # Within double quotes it reads \ and " as C does.
            quoted = self.password.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'requirepass "{quoted}"')
        configuration = self.folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
        if self.programs.user is not None:
            os.chown(configuration, self.programs.user, self.programs.user)
        return self._started_program([str(self.programs.redis()), str(configuration)], signal.SIGTERM)
