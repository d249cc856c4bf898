"""How an order is booted without this project: containers by testcontainers, readiness by polling. Written to be quick.

The backend retries what is not there yet, so nothing is waited for but the backend's own startup report.
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.network import Network

POLL_S = 0.02
BOOT_S = 60.0
PORT = 8000


@dataclass(frozen=True)
class Images:
    """References of the images."""

    postgres: str
    redis: str
    backend: str


@dataclass(frozen=True)
class Servers:
    """A network with PostgreSQL and Redis in it."""

    network: Network
    postgres: DockerContainer
    password: str

    def settings(self, database: str = "app") -> dict[str, str]:
        """How the backend finds them."""
        return {
            "DATABASE_URL": f"postgresql://app:{self.password}@postgres:5432/{database}?sslmode=disable",
            "REDIS_URL": "redis://redis:6379/0",
        }

    def create_databases(self, names: list[str]) -> None:
        """Empty ones, ready before they are needed."""
        deadline = time.monotonic() + BOOT_S
        for name in names:
            command = ["createdb", "-U", "postgres", "-O", "app", name]
            while self.postgres.exec(command).exit_code != 0:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"database {name} was not created in {BOOT_S:g} s")
                time.sleep(POLL_S)


@contextmanager
def servers(images: Images) -> Iterator[Servers]:
    """PostgreSQL and Redis, started anew."""
    testcontainers_config.ryuk_disabled = True  # its image is not needed where every container is closed
    password = secrets.token_hex(16)
    with (
        Network() as network,
        DockerContainer(images.postgres)
        .with_env("POSTGRES_PASSWORD", password)
        .with_network(network)
        .with_network_aliases("postgres") as postgres,
        DockerContainer(images.redis).with_network(network).with_network_aliases("redis"),
    ):
        yield Servers(network, postgres, password)


@contextmanager
def backend(images: Images, beside: Servers, settings: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The backend in a new container; gives its startup report once it has decided."""
    container = DockerContainer(images.backend).with_network(beside.network).with_exposed_ports(PORT)
    for name, value in settings.items():
        container.with_env(name, value)
    with container:
        yield startup_report(f"http://127.0.0.1:{container.get_exposed_port(PORT)}/health/startup")


def startup_report(url: str) -> dict[str, Any]:
    """The report there, as soon as it says pass or fail. Raises `TimeoutError` after 60 s."""
    deadline = time.monotonic() + BOOT_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  a URL of our own
                report = json.load(answer)
        except urllib.error.HTTPError as refused:
            report = json.load(refused)
        except (OSError, ValueError):
            report = {"status": "starting"}
        if report["status"] != "starting":
            return dict(report)
        time.sleep(POLL_S)
    raise TimeoutError(f"{url} has not decided within {BOOT_S:g} s")
