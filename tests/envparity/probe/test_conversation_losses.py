"""Whatever a peer does that has let a client in: one outcome, in time, with its phase and its label."""

from __future__ import annotations

import asyncio
import json
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.utils import accept_key

from envparity.probe.network import MAX_FRAME_BYTES
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
)
from tests.envparity.probe.losses import hang, trouble

UPGRADE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Protocol: v1\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)


async def say_nothing(connection: ServerConnection) -> None:
    await connection.wait_closed()


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
