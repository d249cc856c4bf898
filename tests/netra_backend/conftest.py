"""A backend for the whole session, and the means to start others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.netra_backend.running import AUDIENCE, ISSUER, SECRET, BackendProcess
from tests.servers import url_of_database

Start = Callable[..., BackendProcess]


@pytest.fixture(scope="session")
def settings(postgres_url: str, redis_url: str) -> dict[str, str]:
    """Settings with which the backend starts."""
    return {
        "ENVIRONMENT": "test",
        "DATABASE_URL": postgres_url,
        "REDIS_URL": redis_url,
        "JWT_SECRET": SECRET,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "ALLOWED_ORIGINS": "https://app.example",
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "WEBSOCKET_AUTH_TIMEOUT_S": "0.3",
    }


@pytest.fixture(scope="session")
def backend(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[BackendProcess]:
    """A backend that has started, shared by the tests that leave it as it was."""
    process = BackendProcess(settings, tmp_path_factory.mktemp("backend") / "log")
    try:
        assert process.start().until_started()["failures"] == []
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="session")
def replicas(
    settings: dict[str, str], postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[BackendProcess, BackendProcess]]:
    """Two backends on one database, empty when they were started, at the same moment."""
    asyncio.run(_create_database(postgres_url, "replicas"))
    shared = {**settings, "DATABASE_URL": url_of_database(postgres_url, "replicas")}
    folder = tmp_path_factory.mktemp("replicas")
    first, two = (BackendProcess(shared, folder / name) for name in ("log-1", "log-2"))
    try:
        for replica in (first, two):
            replica.launch()
        yield first.until_listening(), two.until_listening()
    finally:
        for replica in (first, two):
            replica.stop()


async def _create_database(postgres_url: str, name: str) -> None:
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()


@pytest.fixture
def start(settings: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start a backend of the test's own: `start(NAME=value, …)`; None takes a setting out."""
    started: list[BackendProcess] = []

    def start_one(**changed: str | None) -> BackendProcess:
        wanted = {name: value for name, value in {**settings, **changed}.items() if value is not None}
        started.append(BackendProcess(wanted, tmp_path / f"log-{len(started)}"))
        return started[-1].start()

    yield start_one
    for process in started:
        process.stop()
