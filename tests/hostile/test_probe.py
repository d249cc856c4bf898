"""A probe meets every hostile frame over a real socket, and goes on until its time is over or it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from prometheus_client import generate_latest
from websockets.asyncio.server import ServerConnection

from tests.envparity.probe.deployed_backend import KEY, Probed, backend, healthy, listening, plan, serving

pytestmark = pytest.mark.timeout(300)

_DEEP = '{"a": ' * 900 + "1" + "}" * 900
_TEXTS = {
    "a type that is a list": '{"type": ["welcome"]}',
    "a type that is an object": '{"type": {"welcome": 1}}',
    "a type that is null": '{"type": null}',
    "no object": "[1, 2]",
    "no value": "",
    "half of a surrogate pair": '{"type": "welcome", "user_id": "\\ud83d"}',
    "half of one in a name": '{"type": "welcome", "\\udc00": 1}',
    "not a number": '{"type": "welcome", "n": NaN}',
    "a number beyond 64 bits": '{"type": "welcome", "n": 1' + "0" * 400 + "}",
    "a number of 6,000 digits": '{"type": "welcome", "n": ' + "9" * 6000 + "}",
    "a name twice": '{"type": "welcome", "type": "error", "user_id": 1, "user_id": 2}',
    "900 levels": _DEEP,
    "100,000 brackets": "[" * 100_000,
    "an escape sequence": '{"type": "\x1b[2J\x1b]0;x\x07"}'.replace("\x1b", "\\u001b").replace("\x07", "\\u0007"),
    "a turned direction": '{"type": "welcome\\u202e"}',
    "a command to a runner": '{"type": "::error::x\\n::set-output name=a::b"}',
    "a million characters": json.dumps({"type": "welcome", "user_id": "x" * 1_000_000}),
}
_BYTES = {
    "a reserved opcode": b"\x83\x00",
    "a masked frame": b"\x81\x82\x00\x00\x00\x00{}",
    "a frame of 2^63 bytes": b"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
    "text that is no UTF-8": b"\x81\x02\xff\xfe",
    "a close code that is none": b"\x88\x02\x00\x01",
    "a close of one byte": b"\x88\x01\x03",
    "a reason that is no UTF-8": b"\x88\x04\x03\xe8\xff\xfe",
    "a ping of 200 bytes": b"\x89\x7e\x00\xc8" + b"x" * 200,
    "a continuation of nothing": b"\x80\x01x",
    "no frame at all": b"HTTP/1.1 200 OK\r\n\r\n",
}
_HANDSHAKES = {
    "nothing": b"",
    "no HTTP": b"\x00\x01\x02\r\n\r\n",
    "a status of letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "a line of 100,000 bytes": b"HTTP/1.1 200 " + b"a" * 100_000 + b"\r\n\r\n",
    "ten thousand headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 10_000 + b"\r\n",
    "an accept that is none": b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: no\r\n\r\n",
    "headers that move a cursor": b"HTTP/1.1 503 \x1b[2J\r\nX: \x1b[2J\r\nContent-Length: 4\r\n\r\n\x1b[2J",
}


async def _text(connection: ServerConnection, text: str) -> None:
    await connection.send(text)


async def _raw(connection: ServerConnection, content: bytes) -> None:
    connection.transport.write(content)


async def _without_end(connection: ServerConnection, frame: str) -> None:
    with contextlib.suppress(Exception):
        while True:
            await connection.send(frame)


def _lines_are_plain(lines: list[str]) -> bool:
    text = "".join(lines)
    return not set(text) & set("\x1b\x07\u202e\n") and not any(line.startswith(("::", "##[")) for line in lines)


async def _probed_until(probe: Probed, met: Callable[[], bool]) -> None:
    """Have it probe until that is so; it is told to end then, and has not ended before."""
    running = asyncio.create_task(probe.probe.run())
    while not met() and not running.done():  # noqa: ASYNC110  what is met is counted by a server
        await asyncio.sleep(0.01)
    assert not running.done(), "it has ended by itself"
    os.kill(os.getpid(), signal.SIGTERM)
    ending = await running
    assert ending.by == signal.SIGTERM


async def test_a_probe_goes_on_whatever_frames_it_is_sent() -> None:
    """Each is a failure with its reason, the next conversation is one like any other, and the last is healthy."""
    behaviours: list[tuple[Callable[[ServerConnection, Any], Awaitable[None]], Any]]
    behaviours = [(_text, text) for text in _TEXTS.values()]
    behaviours += [(_raw, content) for content in _BYTES.values()]
    behaviours += [(_without_end, frame) for frame in ('{"type": "heartbeat"}', '{"type": "more"}')]
    waiting = iter(behaviours)
    met = 0

    async def hostile(connection: ServerConnection) -> None:
        nonlocal met
        behaviour = next(waiting, None)
        if behaviour is None:
            await healthy(connection)
            return
        met += 1
        do, what = behaviour
        await do(connection, what)
        with contextlib.suppress(Exception):
            await connection.wait_closed()

    async with serving(hostile, ping_interval=None) as port:
        impatient = backend(authenticate_s=2.0, message_s=2.0, close_s=0.5)
        probe = Probed(plan(port, every_s=0.01, backend=impatient))
        await _probed_until(probe, lambda: (probe.value("runs_total", outcome="success") or 0) >= 1)
    assert met == len(_TEXTS) + len(_BYTES) + 2
    assert probe.value("runs_total", outcome="failure") == met
    assert _lines_are_plain(probe.lines)


async def test_a_probe_goes_on_whatever_answers_its_handshake() -> None:
    answers = iter(_HANDSHAKES.values())
    met = 0

    async def hostile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal met
        met += 1
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
        writer.write(next(answers, b""))
        await writer.drain()
        writer.close()

    async with listening(hostile) as port:
        probe = Probed(plan(port, every_s=0.01, backend=backend(connect_s=2.0)))
        await _probed_until(probe, lambda: met > len(_HANDSHAKES) + 1)
    assert (probe.value("runs_total", outcome="failure") or 0) >= len(_HANDSHAKES)
    assert not probe.value("runs_total", outcome="success")
    assert _lines_are_plain(probe.lines)


async def test_it_ends_when_its_time_is_over_also_among_hostile_frames() -> None:
    async def hostile(connection: ServerConnection) -> None:
        await _without_end(connection, _DEEP)

    async with serving(hostile, ping_interval=None) as port:
        probe = Probed(plan(port, every_s=0.01, for_s=1.0, backend=backend(authenticate_s=0.5, close_s=0.2)))
        ending = await probe.probe.run()
    assert (ending.by, ending.healthy) == (0, False)


async def test_no_canary_gets_out_of_a_probe() -> None:
    """A backend that sends back the token, the key and the header has it shown neither in a line nor in a metric."""
    tokens: list[str] = []
    ways = iter(["frame", "reason", "text", "frame", "reason"])

    async def echoing(connection: ServerConnection) -> None:
        header = connection.request.headers["Authorization"] if connection.request else ""
        token = header.removeprefix("Bearer ")
        tokens.append(token)
        match next(ways, "frame"):
            case "frame":
                await connection.send(json.dumps({"type": "error", "told": [token, header, {KEY: KEY}]}))
            case "reason":
                await connection.close(1008, f"bad {KEY}"[:120])
            case _:
                await connection.send(f"{header} {KEY}")
        with contextlib.suppress(Exception):
            await connection.wait_closed()

    async with serving(echoing, ping_interval=None) as port:
        probe = Probed(plan(port, every_s=0.01, backend=backend(authenticate_s=1.0, close_s=0.2)))
        await _probed_until(probe, lambda: len(tokens) > 5)
    said = "\n".join(probe.lines) + generate_latest(probe.metrics.registry).decode()
    assert tokens[0].count(".") == 2
    for secret in (KEY, *tokens, *(token.rpartition(".")[2] for token in tokens)):
        assert secret not in said
