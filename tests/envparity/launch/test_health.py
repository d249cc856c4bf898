"""When startup is over: by the report, by the log together with the port, or by the port."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio

from envparity.errors import DeadlineExceeded
from envparity.launch import health
from envparity.launch.health import HealthProbe
from envparity.launch.listening import accepts, listens, network_of, serves_http
from envparity.model.backend import Backend, HealthPaths, ImageSource, ReportMapping, UpAnswer
from envparity.observe.record import HttpAnswer

pytestmark = pytest.mark.asyncio

SILENT = HealthPaths(None, None, None, None)
SHORT_S = 0.2
LONG_S = 60.0


def backend(log_passed: str | None = None, log_failed: str | None = None) -> Backend:
    mapping = ReportMapping(log_passed=log_passed, log_failed=log_failed)
    return Backend("b", Path("b.toml"), ImageSource(), health=SILENT, report=mapping)


class Replica:
    """A replica whose log, port and end are what a test says; every look at the port is counted."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.port, self.over = False, False
        self.looks, self.listens_from = 0, 10**9

    async def listening(self) -> bool:
        self.looks += 1
        return self.port or self.looks >= self.listens_from

    async def ended(self) -> bool:
        return self.over

    async def lines(self) -> list[str]:
        return self.log

    async def decided(self, of: Backend, timeout_s: float) -> bool:
        probe = HealthProbe(of, "http://127.0.0.1:9", self.listening)
        try:
            return await probe.until_decided(timeout_s, self.ended, self.lines)
        finally:
            await probe.close()


@pytest_asyncio.fixture
async def replica() -> AsyncIterator[Replica]:
    yield Replica()


async def test_a_log_that_says_passed_is_believed_once_the_port_listens(replica: Replica) -> None:
    """Not before."""
    replica.log = ["ready"]
    assert not await replica.decided(backend(log_passed="ready"), SHORT_S)
    replica.listens_from = replica.looks + 5
    assert await replica.decided(backend(log_passed="ready"), LONG_S)
    assert replica.looks == replica.listens_from


async def test_after_a_failure_in_the_log_the_port_is_waited_for(replica: Replica) -> None:
    """A backend that goes on is talked to."""
    replica.log, replica.listens_from = ["FAILED"], 5
    assert await replica.decided(backend(log_failed="FAILED", log_passed="ready"), LONG_S)
    assert replica.looks == 5


async def test_a_failure_without_a_port_has_decided_when_the_deadline_is_over(replica: Replica) -> None:
    """The log has said it; one that has ended has not decided."""
    replica.log = ["FAILED"]
    assert await replica.decided(backend(log_failed="FAILED"), SHORT_S)
    replica.over = True
    assert not await replica.decided(backend(log_failed="FAILED"), LONG_S)


async def test_what_says_that_it_failed_and_hangs_has_decided_before_the_deadline(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a port nor an end: it costs the time in which others go on, and not all that a boot may take."""
    monkeypatch.setattr(health, "_GOES_ON_S", SHORT_S)
    replica.log = ["FAILED"]
    began = time.monotonic()
    assert await replica.decided(backend(log_failed="FAILED"), LONG_S)
    assert SHORT_S <= time.monotonic() - began < LONG_S


@pytest.mark.parametrize("words", [{}, {"log_failed": "FAILED"}], ids=["no words", "a word for failed alone"])
async def test_where_nothing_else_can_decide_the_port_does(replica: Replica, words: dict[str, str]) -> None:
    """No health path, no report, no word for passed."""
    assert not await replica.decided(backend(**words), SHORT_S)
    replica.listens_from = replica.looks + 3
    assert await replica.decided(backend(**words), LONG_S)


async def test_ready_without_a_path_is_a_port_that_listens(replica: Replica) -> None:
    """Until then it is said what was waited for."""
    probe = HealthProbe(backend(), "http://127.0.0.1:9", replica.listening)
    with pytest.raises(DeadlineExceeded):
        await probe.until_ready("it", SHORT_S, replica.ended)
    replica.port = True
    await probe.until_ready("it", SHORT_S, replica.ended)
    await probe.close()


@pytest.mark.parametrize(
    ("up", "status", "is_up"),
    [
        ("port", 0, True),
        ("http", 404, True),
        ("http", 0, False),
        (UpAnswer("/", (200, 403)), 403, True),
        (UpAnswer("/", (200, 403)), 404, False),
        (UpAnswer("/"), 200, True),
    ],
)
async def test_it_is_up_as_its_file_says(
    replica: Replica,
    monkeypatch: pytest.MonkeyPatch,
    up: UpAnswer | Literal["port", "http"],
    status: int,
    *,
    is_up: bool,
) -> None:
    """When its port listens, when it answers anything, or by the codes of one answer."""
    backend = Backend("b", Path("b.toml"), ImageSource(), health=HealthPaths(None, None, None, None, up))
    probe = HealthProbe(backend, "http://127.0.0.1:9", replica.listening)

    async def answer(path: str | None) -> HttpAnswer | None:
        return None if path is None else HttpAnswer(path, status)

    async def log() -> list[str]:
        return []

    monkeypatch.setattr(probe, "ask", answer)
    assert not await probe.until_decided(SHORT_S, replica.ended, log)
    replica.port = True
    timeout_s = LONG_S if is_up else SHORT_S
    assert await probe.until_decided(timeout_s, replica.ended, log) is is_up
    if is_up:
        await probe.until_ready("it", LONG_S, replica.ended)
    await probe.close()


async def test_a_port_that_is_only_bound_does_not_listen() -> None:
    """By the kernel's word, without a connection; and by a connection too."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        assert not listens(port)
        assert not await accepts(("127.0.0.1", port))
        held.listen()
        assert listens(port) in {True, None}
        assert await accepts(("127.0.0.1", port))
    assert listens(port, Path("/nowhere")) is None
    assert network_of(1, "no such container") is None


async def test_who_accepts_and_says_nothing_is_no_http_server() -> None:
    """As an engine does for a container in which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)
        assert not await serves_http(server.getsockname(), None, "localhost")
