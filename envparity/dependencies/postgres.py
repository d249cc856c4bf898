"""PostgreSQL, with a role and a database `app`."""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Unpack
from urllib.parse import quote, urlencode

import msgspec

from envparity.dependencies.own_image import OwnImage, TakesOwnImage, image_named, why_together
from envparity.dependencies.postgres_client import lets_in, run_sql
from envparity.dependencies.postgres_holdings import held_by
from envparity.dependencies.postgres_isolation import Databases
from envparity.dependencies.postgres_role import DATABASE, RESERVED, USER
from envparity.dependencies.postgres_session import PSQL, PostgresSession
from envparity.dependencies.programs import missing
from envparity.dependency.kind import (
    PROCESSES,
    WRITABLE,
    Administrator,
    Ground,
    Isolation,
    KeyMistake,
    MaxConnections,
    OpensShell,
    Password,
    Server,
    ServerPlan,
    Shell,
    Tls,
)
from envparity.errors import LaunchError
from envparity.model.environment import Dependency

if TYPE_CHECKING:
    from envparity.launch.process.servers import ProcessServer, ServerParts

__all__ = ["KIND", "Postgres"]

_PORT = 5432
_OWN_IMAGE_S = 60.0
_FOLDERS = ("/var/lib/postgresql", "/run/postgresql")  # creating a database is creating a thousand small files


class PostgresKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of a PostgreSQL."""

    tls: Tls = "off"
    password: Password = True
    max_connections: MaxConnections | None = None
    image: OwnImage = None
    pooler: Annotated[
        Literal["none", "transaction"],
        msgspec.Meta(
            description="PgBouncer in front of it; transaction: a client has a connection for a transaction alone"
        ),
    ] = "none"


class Postgres(TakesOwnImage):
    """PostgreSQL: TLS, a password, a limit of connections; databases of their own for warm boots."""

    keys: ClassVar[type[msgspec.Struct]] = PostgresKeys
    image: ClassVar[str] = "postgres"
    offers: ClassVar[tuple[str, ...]] = ("url", "host", "port", "password", "user", "database", "scheme")
    images: frozenset[str] = frozenset(
        {"postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha"}
    )
    schemes: frozenset[str] = frozenset({"postgres", "postgresql"})
    usual_port: int = _PORT
    shell: tuple[str, ...] = PSQL

    def mistakes(self, table: Mapping[str, object], folder: Path) -> Iterator[KeyMistake]:
        """PgBouncer stands in the server's own image."""
        yield from super().mistakes(table, folder)
        if "image" in table and table.get("pooler", "none") != "none":
            got, action = "an image of your own beside it", "leave out image, or pooler"
            yield KeyMistake(("pooler",), "the server's own image, which has PgBouncer", got, action)

    def read(self, options: dict[str, object], folder: Path) -> dict[str, object]:
        """The keys as they are kept: no pooler is none."""
        kept = super().read(options, folder)
        return {key: value for key, value in kept.items() if (key, value) != ("pooler", "none")}

    def lacks(self, declared: Dependency) -> str:
        """PgBouncer, where it is asked for."""
        return missing("pgbouncer", "pgbouncer") if "pooler" in declared.options else ""

    def asks_for_password(self, declared: Dependency) -> bool:
        """Always: the role has one, whatever the environment says."""
        del declared
        return True

    def most_clients(self, declared: Dependency) -> int | None:
        """What superusers leave; behind PgBouncer clients have connections of its own, which nobody counts."""
        if declared.max_connections is None or "pooler" in declared.options:
            return None
        return declared.max_connections - RESERVED

    def of_container(self, command: str, variables: Collection[str]) -> Mapping[str, object]:
        """How many connections it takes, where the command says so; TLS is files of its own."""
        del variables
        found = re.search(r"(?:-c\s*|--)max_connections=(\d+)\b|-N\s*(\d+)\b", command)
        most = int(found[1] or found[2]) if found is not None else 0
        return {"max_connections": most} if most > RESERVED else {}

    def of_url(self, scheme: str, query: str, *, password: bool) -> Mapping[str, object]:
        """TLS, as libpq's `sslmode` and asyncpg's `ssl` say it; it asks for a password always."""
        del scheme, password
        found = re.search(r"[?&](?:sslmode|ssl)=([a-z-]+)", query)
        mode = found[1] if found is not None else ""
        if mode in {"verify-full", "verify-ca"}:
            return {"tls": "verify-full"}
        return {"tls": "require"} if mode in {"require", "true"} else {}

    def patience_s(self, declared: Dependency) -> float:
        """An image of somebody's own may make its cluster first."""
        return super().patience_s(declared) if image_named(declared) is None else _OWN_IMAGE_S

    def kept_together(self, declared: Dependency) -> str:
        return why_together(declared)

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        variables = {"POSTGRES_USER": USER, "POSTGRES_PASSWORD": password, "POSTGRES_DB": DATABASE}
        if image_named(declared) is not None:
            most = declared.max_connections
            command = () if most is None else ("postgres", "-c", f"max_connections={most}")
            return ServerPlan(self.image, _PORT, variables, command=command, memory_folder_mib=256)
        if declared.tls != "off":
            variables["POSTGRES_TLS"] = "required"
        if declared.max_connections is not None:
            variables["POSTGRES_MAX_CONNECTIONS"] = str(declared.max_connections)
        if "pooler" in declared.options:
            variables["POSTGRES_POOLER"] = declared.options["pooler"]
        return ServerPlan(
            self.image,
            _PORT,
            variables,
            tmpfs=WRITABLE,
            volumes=_FOLDERS,
            memory_folder_mib=256,
            memory_mib=1024,  # what it has in /dev/shm is of it
            processes=PROCESSES + (declared.max_connections or 0),
        )

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        query: dict[str, str] = {"sslmode": "disable" if declared.tls == "off" else declared.tls}
        if declared.tls == "verify-full":
            query["sslrootcert"] = ca_path
        secret = quote(server.password, safe="")
        place = f"{server.host}:{server.port}/{DATABASE}"
        return f"postgresql://{USER}:{secret}@{place}?{urlencode(query, safe='/')}"

    async def answers(self, server: Server) -> bool:
        """By who it lets in: it answers at its port before that, while it recovers what it holds."""
        return await lets_in(server, USER, DATABASE)

    def administrator(self, shell: Shell) -> Administrator:
        return PostgresSession(shell)

    async def command(self, server: Server, command: tuple[str, ...]) -> object:
        """SQL in its database, as the backend's role; with parameters behind it, one statement with `$1` for each."""
        statement, *parameters = command
        return await run_sql(server, USER, DATABASE, statement, parameters)

    async def holdings(self, server: Server, shell: OpensShell) -> Mapping[str, int]:
        """The rows of its tables, but for those that say when they end."""
        del server
        async with shell() as opened:
            return await held_by(opened, DATABASE)

    def lacking(self) -> str:
        from envparity.dependencies.postgres_server import postgres_folder

        try:
            postgres_folder()
        except LaunchError as error:
            return str(error)
        return ""

    def server(self, declared: Dependency, **given: Unpack[ServerParts]) -> ProcessServer:
        from envparity.dependencies.postgres_pooler import PooledServer
        from envparity.dependencies.postgres_server import PostgresServer

        most, pooler = declared.max_connections, declared.options.get("pooler")
        if pooler is None:
            return PostgresServer(**given, max_connections=most)
        return PooledServer(**given, max_connections=most, pooler=pooler)

    def front(
        self, server: ProcessServer, tls: ssl.SSLContext, host: str
    ) -> AbstractAsyncContextManager[tuple[str, int]]:
        """TLS is asked for inside of its own protocol."""
        from envparity.dependencies.postgres_front import postgres_tls_front

        return postgres_tls_front(server.socket, tls, host)

    def isolation(
        self, ground: Ground, name: str, url: str, server: Server, lanes: int
    ) -> AbstractAsyncContextManager[Isolation]:
        """A database for each boot."""
        return Databases.open(ground, name, url, server, ahead=lanes + 1)


KIND = Postgres()
