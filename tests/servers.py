"""Real PostgreSQL and Redis-protocol servers for the tests, as the process launcher starts them; no Docker.

Loaded as a pytest plugin.
"""

from __future__ import annotations

import atexit
import itertools
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from envparity.dependencies.postgres_server import PostgresServer
from envparity.dependencies.redis_server import RedisServer
from envparity.errors import LaunchError
from envparity.launch.process.held_port import HeldPort
from envparity.launch.process.programs import ServerPrograms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envparity.launch.process import servers

START_TIMEOUT_S = 20.0
PASSWORD = "made-up-for-tests"
_NUMBERS = itertools.count(1)


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens, and that nobody is given by chance until these tests end.

    A server may listen there that sets SO_REUSEADDR, as servers do: it needs some seconds before it does, in which the
    kernel gives away a port that is only free.
    """
    held = HeldPort()
    atexit.register(held.release)
    return held.number


class Server:
    """A server on one port, which can be stopped and started again with the data that it had."""

    def __init__(self, server: servers.ProcessServer) -> None:
        self._server = server
        self._prepared = False

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def socket(self) -> Path:
        return self._server.socket

    def start(self) -> None:
        """Start, and wait until it answers. Raises LaunchError with its log."""
        self._server.start()
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._server.ready:
            if time.monotonic() > deadline:
                raise LaunchError(self._server.child.log_tail(20))
            time.sleep(0.02)
        if not self._prepared:
            self._server.prepare()
            self._prepared = True

    def stop(self) -> None:
        """Stop, and wait until it has."""
        self._server.stop_now()

    def end(self) -> None:
        """Stop for good: its port may be anybody's."""
        self.stop()
        self._server.held.release()


def postgres_server(folder: Path) -> Server:
    """A PostgreSQL with the role and the database `app`."""
    return Server(PostgresServer(ServerPrograms(folder), folder / f"d{next(_NUMBERS)}", PASSWORD))


def redis_server(folder: Path) -> Server:
    """A Redis-protocol server that keeps nothing."""
    return Server(RedisServer(ServerPrograms(folder), folder / f"d{next(_NUMBERS)}", ""))


def postgres_url_of(server: Server) -> str:
    """The URL of a PostgreSQL that `postgres_server` has made."""
    return f"postgresql://app:{PASSWORD}@127.0.0.1:{server.port}/app"


def url_of_database(postgres_url: str, name: str) -> str:
    """The same server's URL with another database."""
    return f"{postgres_url.rpartition('/')[0]}/{name}"


def redis_url_of(server: Server) -> str:
    """The URL of a Redis that `redis_server` has made."""
    return f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder through which whoever runs the servers may pass, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="servers-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres(server_folder: Path) -> Iterator[Server]:
    """A running PostgreSQL for the whole session; a test that stops it starts it again."""
    server = postgres_server(server_folder)
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="session")
def redis(server_folder: Path) -> Iterator[Server]:
    """A running Redis for the whole session; a test that stops it starts it again."""
    server = redis_server(server_folder)
    server.start()
    yield server
    server.end()


@pytest.fixture(scope="session")
def postgres_url(postgres: Server) -> str:
    """Where the session's PostgreSQL is."""
    return postgres_url_of(postgres)


@pytest.fixture(scope="session")
def redis_url(redis: Server) -> str:
    """Where the session's Redis is."""
    return redis_url_of(redis)
