"""Whatever the network or the peer does: one outcome, in time, with the phase and the label that say what it was."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import tracemalloc
from contextlib import closing, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.utils import accept_key

from envparity.probe.network import MAX_FRAME_BYTES
from envparity.probe.outcome import Outcome
from tests.envparity.probe.deployed_backend import (
    KEY,
    PATIENT_S,
    USER,
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

UPGRADE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)


async def hang(*_: object) -> None:
    await asyncio.get_running_loop().create_future()


async def say_nothing(connection: ServerConnection) -> None:
    await connection.wait_closed()


def trouble(outcome: Outcome) -> tuple[str, str]:
    """Phase, and what came instead."""
    assert outcome.trouble is not None
    return outcome.trouble.phase, outcome.trouble.got


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
        time.sleep(0.6)
        return real(*arguments, **options)

    async def hesitate(_: ServerConnection, __: Request) -> None:
        await asyncio.sleep(0.6)

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    async with serving(healthy, process_request=hesitate) as port:
        outcome = await probed(port, backend=backend(connect_s=1.1))
    assert outcome.healthy, outcome.trouble
    assert outcome.phases["connect"] + outcome.phases["accept"] > 1.1


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


async def test_accepted_and_then_silence() -> None:
    """A half-open connection: a timeout in authenticate, and it does not wait for a goodbye for ever."""
    began = time.monotonic()
    async with serving(say_nothing) as port:
        outcome = await probed(port, backend=impatient("authenticate"))
        took = time.monotonic() - began
    assert trouble(outcome) == ("authenticate", "nothing")
    assert (outcome.handshake, outcome.authentication) == ("101", "timeout")
    assert took < PATIENT_S / 2


async def test_a_peer_that_answers_nothing_at_all_after_the_welcome() -> None:
    """Not even the goodbye, as over a connection of which the other end is gone: message, and close code 1006."""

    async def deaf(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "welcome", "user_id": USER}))
        connection.transport.pause_reading()
        await connection.wait_closed()

    async with serving(deaf) as port:
        outcome = await probed(port, backend=impatient("message", "close"))
    assert trouble(outcome) == ("message", "nothing")
    assert (outcome.authentication, outcome.close) == ("success", "1006")


@pytest.mark.parametrize(
    ("code", "label", "authentication"),
    [(1008, "1008", "refused"), (1011, "1011", "closed"), (1013, "1013", "closed"), (4321, "4xxx", "closed")],
)
async def test_closed_instead_of_a_welcome(code: int, label: str, authentication: str) -> None:
    """The code is the label; what the client was told is kept."""

    async def close(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "error", "code": "because"}))
        await connection.close(code, "because")

    async with serving(close) as port:
        outcome = await probed(port)
    assert outcome.trouble is not None
    assert outcome.trouble.phase == "authenticate"
    assert (outcome.close, outcome.authentication) == (label, authentication)
    assert outcome.trouble.told == ('{"type": "error", "code": "because"}', f"close {code} 'because' by the server")


async def test_a_connection_that_is_cut() -> None:
    """1006, in the phase that it was in."""

    async def cut(connection: ServerConnection) -> None:
        await connection.send(json.dumps({"type": "welcome", "user_id": USER}))
        await connection.recv()
        connection.transport.abort()

    async with serving(cut) as port:
        outcome = await probed(port)
    assert (trouble(outcome)[0], outcome.close) == ("message", "1006")


@pytest.mark.parametrize("frame", ["no json", "[]", "{}", b"\x00\xff", '{"type": "welcome", "user_id": "another"}', ""])
async def test_a_frame_that_is_not_expected(frame: str | bytes) -> None:
    """Whatever it is, it is what came instead of the welcome."""

    async def say(connection: ServerConnection) -> None:
        await connection.send(frame)
        await connection.wait_closed()

    async with serving(say) as port:
        outcome = await probed(port)
    assert trouble(outcome)[0] == "authenticate"
    assert outcome.authentication == "unexpected"


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the upgrade by hand."""
    request = await reader.readuntil(b"\r\n\r\n")
    key = next(line.split(b": ")[1] for line in request.splitlines() if line.startswith(b"Sec-WebSocket-Key"))
    writer.write(UPGRADE % accept_key(key.decode()).encode())


async def test_a_close_frame_without_the_end_of_the_connection() -> None:
    """Is a close all the same, once the deadline of the phase is over."""

    async def half_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(b"\x88\x0a" + (1013).to_bytes(2, "big") + b"starting")
        await hang()

    async with listening(half_close) as port:
        outcome = await probed(port, backend=impatient("authenticate"))
    assert trouble(outcome) == ("authenticate", "close 1013 'starting' by the server")
    assert (outcome.close, outcome.authentication) == ("1013", "closed")


@pytest.mark.parametrize("after", [b"\xff\xff\xffgarbage", b"\x81\x02\xff\xff", b"\x81\x7f" + b"\x7f" * 8])
async def test_bytes_that_are_no_frames(after: bytes) -> None:
    """Reserved bits, text that is no UTF-8, a frame of 9 exabytes: the connection is given up, and it is said why."""

    async def garble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(after)
        await hang()

    async with listening(garble) as port:
        outcome = await probed(port, backend=impatient("authenticate"))
    assert trouble(outcome)[0] == "authenticate"
    assert "closed with 10" in trouble(outcome)[1]
    assert outcome.close == "1006"


async def test_a_frame_that_is_too_big() -> None:
    """It is not read to its end."""

    async def shout(connection: ServerConnection) -> None:
        await connection.send("x" * (MAX_FRAME_BYTES + 1))
        await connection.wait_closed()

    async with serving(shout) as port:
        outcome = await probed(port)
    assert "closed with 1009" in trouble(outcome)[1]


@pytest.mark.parametrize("frame", ['{"type": "heartbeat"}', json.dumps({"type": "heartbeat", "pad": "x" * 100_000})])
async def test_endless_frames_end(frame: str) -> None:
    """A peer that never stops is cut off, after so many frames or bytes; what it said is not kept."""

    async def flood(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await connection.send(frame)
                await asyncio.sleep(0)

    async with serving(flood) as port:
        probed = Probed(plan(port))
        tracemalloc.start()
        outcome = await probed.probe.once()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert trouble(outcome)[0] == "authenticate"
    assert "cut off after" in trouble(outcome)[1]
    assert peak < 16 * 1024 * 1024


async def test_a_contract_that_is_broken_is_a_failure(tmp_path: Path) -> None:
    """Even where the script would go on: users have clients that check."""
    contract = tmp_path / "asyncapi.yaml"
    contract.write_text(
        "asyncapi: 3.0.0\ninfo: {title: t, version: '1'}\n"
        "channels: {c: {address: /ws, messages: {"
        "w: {payload: {type: object, required: [type, limits]}}, m: {payload: {type: object}}}}}\n"
        "operations:\n"
        "  s: {action: send, channel: {$ref: '#/channels/c'}, messages: [{$ref: '#/channels/c/messages/w'}]}\n"
        "  r: {action: receive, channel: {$ref: '#/channels/c'}, messages: [{$ref: '#/channels/c/messages/m'}]}\n"
    )
    import msgspec

    from envparity.model.backend import ContractFile

    async with serving(healthy) as port:
        outcome = await probed(
            port, backend=msgspec.structs.replace(backend(), contract=ContractFile(contract, view="server"))
        )
    assert outcome.trouble is not None
    assert outcome.trouble.expected == "what the contract says"


async def test_no_token_is_ever_told() -> None:
    """Also where the peer repeats it."""
    tokens = []

    async def repeat(connection: ServerConnection) -> None:
        assert connection.request is not None
        tokens.append(connection.request.headers["Authorization"].removeprefix("Bearer "))
        await connection.send(json.dumps({"type": "error", "message": tokens[-1]}))
        await connection.close(1008, "you said so")

    async with serving(repeat) as port:
        probed = Probed(plan(port))
        outcome = await probed.probe.once()
    text = f"{outcome} {probed.lines}"
    assert tokens[0] not in text
    assert KEY not in text
    assert "<token:valid>" in text
