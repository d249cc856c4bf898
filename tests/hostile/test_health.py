"""Health that drips, never ends or is in no charset is an answer like any other, in bounded time and memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from envparity.launch import health
from envparity.launch.health import HealthProbe
from envparity.model.backend import Backend, ImageSource
from envparity.observe.record import HttpAnswer

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=%s\r\nConnection: close\r\n\r\n"
_LONGEST_S = 20.0


async def _answer(behaviour: str) -> AsyncIterator[bytes]:
    yield _HEAD % (b"hex" if behaviour == "charset" else b"utf-8")
    match behaviour:
        case "drips":
            while True:
                yield b" "
                await asyncio.sleep(0.05)
        case "floods":
            while True:
                yield b"[" * 65536
        case "deep":
            yield b"[" * 100_000
        case _:
            yield b'{"status": "\\ud83d"}'


async def _asked(behaviour: str) -> HttpAnswer | None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            async for part in _answer(behaviour):
                writer.write(part)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        probe = HealthProbe(Backend("b", Path("backend.toml"), ImageSource()), f"http://127.0.0.1:{port}")
        try:
            return await probe.ask("/health")
        finally:
            await probe.close()


@pytest.mark.parametrize(
    ("behaviour", "status"), [("drips", 0), ("floods", 0), ("deep", 200), ("charset", 200), ("half", 200)]
)
def test_an_answer_is_an_answer(behaviour: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_ANSWER_S", 1.0 if behaviour == "drips" else _LONGEST_S)
    began = time.monotonic()
    answer = asyncio.run(asyncio.wait_for(_asked(behaviour), _LONGEST_S))
    assert answer is not None
    assert answer.status == status
    assert time.monotonic() - began < _LONGEST_S
    if behaviour in {"charset", "half"}:
        assert answer.body == {"status": "\\ud83d"}
