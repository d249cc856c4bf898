"""PgBouncer in front of a PostgreSQL: clients have a connection of the server for the time of a transaction."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from envparity.dependencies.postgres_role import RESERVED, USER
from envparity.dependencies.postgres_server import PostgresServer
from envparity.dependencies.programs import program
from envparity.errors import LaunchError
from envparity.launch.process.child import Child

__all__ = ["PooledServer", "configuration", "pool_size"]

_STOP_S: Final = 5.0
_LARGEST_POOL: Final = 20  # PgBouncer's own default_pool_size


def pool_size(max_connections: int) -> int:
    """How many connections of a server with that limit a pool may have, so that the server refuses none."""
    return max(1, min(_LARGEST_POOL, max_connections - RESERVED))


def configuration(pooler: str, server: str, port: int, *, max_connections: int, listen: str, sockets: str) -> str:
    """Its file, for a server whose Unix socket is in the folder `server`; as docker/postgres/entrypoint.sh has it.

    `sockets` is the folder for a socket of its own, "" for none.
    """
    return f"""\
[databases]
* = host={server} port={port}
[pgbouncer]
pool_mode = {pooler}
listen_addr = {listen}
listen_port = {port}
unix_socket_dir = {sockets}
auth_type = scram-sha-256
auth_file = users.txt
max_client_conn = 1000
default_pool_size = {pool_size(max_connections)}
max_user_connections = {max(1, max_connections - RESERVED)}
ignore_startup_parameters = extra_float_digits
server_login_retry = 1
log_connections = 0
log_disconnections = 0
log_stats = 0
"""


@dataclass
class PooledServer(PostgresServer):
    """PostgreSQL at its Unix socket alone, and PgBouncer, once that takes commands, where clients come to."""

    pooler: str = "transaction"
    pooled: ClassVar[bool] = True
    pooling: Child = field(init=False)
    has_begun: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        user, sockets = self.child.program.user, self.folder / "pooler"
        sockets.mkdir(mode=0o700)
        if user is not None:
            os.chown(sockets, user, user)
        listen, own = ("", str(sockets)) if self.socket_only else ("127.0.0.1", "")
        text = configuration(
            self.pooler, str(self.folder), self.port, max_connections=self.most, listen=listen, sockets=own
        )
        quoted = self.password.replace('"', '""')
        self._put("pgbouncer.ini", text.encode(), user)
        self._put("users.txt", f'"{USER}" "{quoted}"\n'.encode(), user)
        self.pooling = Child(self._started_program([program("pgbouncer"), "pgbouncer.ini"], signal.SIGTERM), self.guard)

    @property
    def socket(self) -> Path:
        return self.folder / "pooler" / f".s.PGSQL.{self.port}"

    @property
    def ready(self) -> bool:
        """PgBouncer is started once PostgreSQL is ready, and its answer is the server's."""
        if not super().ready:
            return False
        if not self.has_begun:
            self.pooling.start()
            self.has_begun = True
        if self.pooling.exit_code is not None:
            raise LaunchError(f"pgbouncer has ended with status {self.pooling.exit_code}: {self.child.log_tail(10)}")
        return True

    async def stop(self) -> None:
        await self._end_pooling()
        await super().stop()

    async def end(self) -> None:
        await self._end_pooling()
        await super().end()

    def stop_now(self) -> None:
        self.pooling.stop_now(signal.SIGTERM, _STOP_S)
        self.has_begun = False
        super().stop_now()

    async def _end_pooling(self) -> None:
        await self.pooling.stop(signal.SIGTERM, _STOP_S)
        self.has_begun = False
