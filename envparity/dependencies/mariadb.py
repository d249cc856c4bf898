"""A MariaDB server, with a user and a database `app`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote, urlencode

import msgspec

from envparity.dependencies.mariadb_client import run_sql
from envparity.dependencies.mariadb_holdings import held_by
from envparity.dependencies.programs import missing, program
from envparity.dependency.kind import (
    WRITABLE,
    DependencyKind,
    MaxConnections,
    OpensShell,
    Password,
    ProcessPlan,
    Server,
    ServerPlan,
    Tls,
)
from envparity.launch.connecting import first_byte
from envparity.launch.images.folder import default_docker_folder
from envparity.model.environment import Dependency

__all__ = ["KIND", "MariaDb"]

_NAME = "app"
_PORT = 3306
_FOLDER = "/etc/envparity/mariadb"
_STATEMENTS = "start.sql"
_SCRIPT = "entrypoint.sh"
_READY_S = 60.0


class MariaDbKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of a MariaDB."""

    tls: Tls = "off"
    password: Password = True
    max_connections: MaxConnections | None = None


class MariaDb(DependencyKind):
    """MariaDB: TLS of its own, a password, a limit of connections. Boots are not kept apart in it."""

    keys: ClassVar[type[msgspec.Struct]] = MariaDbKeys
    image: ClassVar[str] = "mariadb"
    offers: ClassVar[tuple[str, ...]] = ("url", "host", "port", "password", "user", "database", "scheme")
    own_tls: ClassVar[bool] = True
    images: frozenset[str] = frozenset({"mariadb"})
    schemes: frozenset[str] = frozenset({"mariadb", "mysql"})
    usual_port: int = _PORT

    def of_container(self, command: str, variables: Collection[str]) -> Mapping[str, object]:
        """Nothing of it says more."""
        del command, variables
        return {}

    def of_url(self, scheme: str, query: str, *, password: bool) -> Mapping[str, object]:
        """A password, where the URL has one."""
        del scheme, query
        return {"password": password}

    def patience_s(self, declared: Dependency) -> float:
        """As a process it makes the tables of the server itself first."""
        del declared
        return _READY_S

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        statements = f"{_FOLDER}/{_STATEMENTS}"
        files = {statements: ("\n".join(_statements(declared, password)).encode(), 0o644)}
        return ServerPlan(
            self.image,
            _PORT,
            {},
            files,
            tmpfs=WRITABLE,
            volumes=("/var/lib/mysql", _FOLDER),
            command=tuple(_options(declared, statements, "/etc/envparity/tls")),
            memory_mib=1024,
        )

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        secret = f":{quote(server.password, safe='')}" if declared.password else ""
        query = {"off": "", "require": "?ssl=true", "verify-full": "?" + urlencode({"ssl_ca": ca_path}, safe="/")}
        return f"mysql://{_NAME}{secret}@{server.host}:{server.port}/{_NAME}{query[declared.tls]}"

    async def answers(self, server: Server) -> bool:
        """It speaks first: the length of its greeting."""
        return await first_byte(server.host, server.port, b"") != b""

    async def command(self, server: Server, command: tuple[str, ...]) -> object:
        """SQL in its database, as the backend's user; with parameters behind it, one statement with a `?` for each."""
        statement, *parameters = command
        return await run_sql(server, _NAME, _NAME, statement, parameters)

    async def holdings(self, server: Server, shell: OpensShell) -> Mapping[str, int]:
        """The rows of its tables, but for those that say when they end."""
        del shell
        return await held_by(server, _NAME, _NAME)

    def lacking(self) -> str:
        needed = {"mariadbd": "mariadb-server-core", "my_print_defaults": "mariadb-client-core"}
        lacks = (missing(name, f"Debian's package {package}") for name, package in needed.items())
        return next(filter(None, lacks), "")

    def process(self, declared: Dependency, folder: Path, port: int, password: str) -> ProcessPlan:
        script = (default_docker_folder() / self.image / _SCRIPT).read_text(encoding="utf-8")
        options = _options(declared, str(folder / _STATEMENTS), str(folder))
        argv = (program("sh"), str(folder / _SCRIPT), str(folder), "127.0.0.1", str(port), *options)
        return ProcessPlan(argv, {_SCRIPT: script, _STATEMENTS: "\n".join(_statements(declared, password))})


def _statements(declared: Dependency, password: str) -> Iterator[str]:
    """What is done before anybody is let in, one statement a line."""
    known = f" IDENTIFIED BY '{password}'" if declared.password else ""
    yield f"CREATE DATABASE IF NOT EXISTS {_NAME};"
    yield f"CREATE USER IF NOT EXISTS '{_NAME}'@'%'{known};"
    yield f"GRANT ALL PRIVILEGES ON {_NAME}.* TO '{_NAME}'@'%';"


def _options(declared: Dependency, statements: str, tls: str) -> Iterator[str]:
    yield f"--init-file={statements}"
    if declared.max_connections is not None:
        yield f"--max-connections={declared.max_connections}"
    if declared.tls != "off":
        yield f"--ssl-cert={tls}/server.crt"
        yield f"--ssl-key={tls}/server.key"
        yield "--require-secure-transport=ON"


KIND = MariaDb()
