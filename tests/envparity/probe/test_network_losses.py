"""Whatever the network does until a client is let in: one outcome, in time, with its phase and its label."""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from tests.envparity.probe.deployed_backend import (
    Probed,
    backend,
    healthy,
    impatient,
    listening,
    plan,
    probed,
    serving,
    tls_pair,
)
from tests.envparity.probe.losses import hang, trouble


async def test_a_healthy_backend_is_healthy() -> None:
    """Every phase has its time, in their sequence; labels say 101, success, 1000."""
    async with serving(healthy) as port:
        outcome = await probed(port)
    assert outcome.healthy, outcome.trouble
    assert list(outcome.phases) == ["connect", "accept", "authenticate", "message", "close"]
    assert sum(outcome.phases.values()) <= outcome.duration_s
    assert (outcome.handshake, outcome.authentication, outcome.close) == ("101", "success", "1000")


async def test_a_healthy_backend_behind_tls_is_healthy(tmp_path: Path) -> None:
    """With a certificate that is checked."""
    server, client = tls_pair(tmp_path)
    async with serving(healthy, ssl=server) as port:
        assert (await probed(port, tls=client)).healthy


async def test_nobody_listens() -> None:
    """Refused, in connect."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    outcome = await probed(port)
    assert (trouble(outcome)[0], outcome.handshake) == ("connect", "refused")
    assert outcome.authentication is outcome.close is None
    assert outcome.phases == {}


async def test_a_name_that_is_none() -> None:
    """A label of 64 letters is refused by the resolver itself: dns, in connect."""
    outcome = await probed(1, host=f"{'a' * 64}.invalid")
    assert (trouble(outcome)[0], outcome.handshake) == ("connect", "dns")


async def test_a_resolver_that_does_not_answer_costs_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first run ends at its deadline, the next at once, and when it answers at last all is well again."""
    import threading

    answer, asked = threading.Event(), []

    def dead(*arguments: object, **options: object) -> list[object]:
        asked.append(arguments)
        answer.wait(30)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", dead)
    async with serving(healthy) as port:
        probed = Probed(plan(port, host="backend.example", backend=backend(connect_s=1.0)))
        assert (await probed.probe.once()).handshake == "timeout"
        outcome = await probed.probe.once()
        assert outcome.handshake == "dns"
        assert "has not answered" in trouble(outcome)[1]
        assert len(asked) == 1
        answer.set()
        for thread in threading.enumerate():
            if thread.name == "host name":
                thread.join(5)
        await asyncio.sleep(0)  # for the loop to take the answer
        assert (await probed.probe.once()).handshake == "101"


async def test_a_listener_that_accepts_no_connection() -> None:
    """Its backlog is full: the connection times out in connect."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = [socket.socket() for _ in range(8)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        outcome = await probed(listener.getsockname()[1], backend=impatient("connect"))
        for filler in fillers:
            filler.close()
    assert (trouble(outcome), outcome.handshake) == (("connect", "nothing"), "timeout")


async def test_connecting_and_accepting_have_a_deadline_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow name and a slow answer, each within its time, are healthy, though together they take longer."""
    real = socket.getaddrinfo

    def slowly(*arguments: Any, **options: Any) -> Any:
        time.sleep(1.5)
        return real(*arguments, **options)

    async def hesitate(_: ServerConnection, __: Request) -> None:
        await asyncio.sleep(1.5)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    async with serving(healthy, process_request=hesitate) as port:
        outcome = await probed(port, backend=backend(connect_s=2.9))
    assert outcome.healthy, outcome.trouble
    assert outcome.phases["connect"] + outcome.phases["accept"] > 2.9


async def test_tls_that_cannot_be_trusted(tmp_path: Path) -> None:
    """A certificate of an authority that nobody named: tls, in connect, in OpenSSL's words."""
    (tmp_path / "other").mkdir()
    server, _ = tls_pair(tmp_path)
    _, stranger = tls_pair(tmp_path / "other")
    async with serving(healthy, ssl=server) as port:
        outcome = await probed(port, tls=stranger)
    assert (trouble(outcome)[0], outcome.handshake) == ("connect", "tls")
    assert "certificate verify failed" in trouble(outcome)[1]


async def test_a_server_that_does_not_finish_its_tls_handshake(tmp_path: Path) -> None:
    """A timeout, still in connect."""
    _, client = tls_pair(tmp_path)
    async with listening(hang) as port:
        outcome = await probed(port, tls=client, backend=impatient("connect"))
    assert (trouble(outcome)[0], outcome.handshake) == ("connect", "timeout")


async def test_a_server_that_accepts_and_says_nothing() -> None:
    """A timeout in accept: the connection was there."""
    async with listening(hang) as port:
        outcome = await probed(port, backend=impatient("connect"))
    assert (trouble(outcome), outcome.handshake) == (("accept", "nothing"), "timeout")
    assert list(outcome.phases) == ["connect"]


async def test_a_server_that_hangs_up() -> None:
    """Without an answer to the upgrade: invalid, in accept."""

    async def hang_up(*_: object) -> None:
        return

    async with listening(hang_up) as port:
        outcome = await probed(port)
    assert (trouble(outcome)[0], outcome.handshake in {"invalid", "reset"}) == ("accept", True)


async def test_garbage_instead_of_http() -> None:
    """Invalid, in accept."""

    async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01garbage\r\n\r\n" * 10)
        await reader.read()

    async with listening(garbage) as port:
        outcome = await probed(port)
    assert (trouble(outcome)[0], outcome.handshake) == ("accept", "invalid")


@pytest.mark.parametrize(("status", "label"), [(403, "403"), (503, "503"), (302, "3xx"), (418, "4xx")])
async def test_another_status(status: int, label: str) -> None:
    """The status, or its class; a redirect is not followed."""

    def refuse(connection: ServerConnection, _: Request) -> Response:
        response = connection.respond(HTTPStatus(status), "no")
        response.headers["Location"] = "ws://127.0.0.1:1/"
        return response

    async with serving(healthy, process_request=refuse) as port:
        outcome = await probed(port)
    assert (trouble(outcome), outcome.handshake) == (("accept", f"HTTP status {status}"), label)
