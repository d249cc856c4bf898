"""What plays in the live test: a backend that can be broken, clients who are not welcome, and their database."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.netra_backend.running import AUDIENCE, ISSUER, SECRET, BackendProcess, token
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.monitoring.prometheus_process import Prometheus

ENVIRONMENT = "staging"
"""The label that prometheus.yaml gives to the backend's target, and the name of the probe's environment."""

SCRAPED_DEADLINE_S = 100.0
CLIENT_DEADLINE_S = 100.0
BETWEEN_CLIENTS_S = 0.1


def backend_on(database: str, redis_url: str, folder: Path) -> BackendProcess:
    """A backend that keeps its port when it is started again; not yet started."""
    settings = {
        "ENVIRONMENT": ENVIRONMENT,
        "PORT": str(free_port()),
        "DATABASE_URL": database,
        "REDIS_URL": redis_url,
        "JWT_SECRET": SECRET,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "ALLOWED_ORIGINS": "https://app.example",
        "STARTUP_STEP_TIMEOUT_S": "1",
    }
    return BackendProcess(settings, folder / "backend.log")


def restart(backend: BackendProcess, prometheus: Prometheus) -> None:
    """Replace the process by another one, and wait until Prometheus has seen it."""
    backend.stop()
    begun = backend.start().metric("process_start_time_seconds")
    prometheus.until_value('process_start_time_seconds{job="netra_backend"}', begun, SCRAPED_DEADLINE_S)


def execute(database: str, statement: str) -> None:
    """One statement, in a connection of its own."""

    async def connected() -> None:
        connection = await asyncpg.connect(database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(connected())


@contextmanager
def a_planted_bug(database: str) -> Iterator[None]:
    """A table is gone under the backend's feet, which nobody expects: every message to the agent ends with 1011."""
    execute(database, "ALTER TABLE agent_runs RENAME TO gone")
    try:
        yield
    finally:
        execute(database, "ALTER TABLE gone RENAME TO agent_runs")


@contextmanager
def unwelcome_clients(port: int) -> Iterator[None]:
    """Meanwhile, one after the other: browsers from a forbidden origin, and clients with tokens of another key."""
    url, enough, failed = f"ws://127.0.0.1:{port}/ws", threading.Event(), list[BaseException]()

    def come() -> None:
        try:
            while not enough.wait(BETWEEN_CLIENTS_S):
                with suppress(InvalidStatus):
                    connect(url, origin=Origin("https://elsewhere.example"), proxy=None).close()
                headers = {"Authorization": f"Bearer {token(key='another-secret-that-nobody-has-deployed')}"}
                with connect(url, additional_headers=headers, proxy=None) as socket, suppress(ConnectionClosed):
                    while True:
                        socket.recv(CLIENT_DEADLINE_S)
        except Exception as error:  # noqa: BLE001 # told below, in the thread that can tell it
            failed.append(error)

    coming = threading.Thread(target=come, name="unwelcome clients")
    coming.start()
    try:
        yield
    finally:
        enough.set()
        coming.join()
    assert failed == []
