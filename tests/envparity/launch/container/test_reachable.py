"""Clients come once the ingress answers, and not when the engine has published its port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from envparity.errors import DeadlineExceeded
from envparity.launch.container import front
from envparity.launch.container.front import until_reachable
from envparity.launch.port import Endpoint

_REFUSED = 3
_ANSWER = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class Published:
    """A port as an engine publishes it: accepted always; closed at once until somebody listens behind it."""

    def __init__(self, closed: float) -> None:
        self._closed = closed
        self.come = 0
        self.answered = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.come += 1
        if self.come > self._closed:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_ANSWER)
            await writer.drain()
            self.answered += 1
        writer.close()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Endpoint]:
        async with await asyncio.start_server(self, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()[:2]
            yield Endpoint((host, port), "chat.example", None, hops="ingress")


class Calls:
    """An engine whose calls are made at once."""

    async def call(self, _what: str, function: Callable[[], Any]) -> Any:
        return function()


async def reach(endpoint: Endpoint, status: str = "running") -> None:
    """What the launcher waits for before a conversation may begin."""
    ingress = SimpleNamespace(status=status, reload=lambda: None, logs=lambda **_: b"no listener")
    await until_reachable(Calls(), endpoint, ingress)  # type: ignore[arg-type]


async def test_a_port_that_is_accepted_for_an_ingress_that_does_not_listen_is_waited_for() -> None:
    """The first conversation would have been cut off, and that told as the backend's."""
    published = Published(_REFUSED)
    async with published.open() as endpoint:
        await reach(endpoint)
    assert (published.come, published.answered) == (_REFUSED + 1, 1)


@pytest.mark.parametrize("status", ["running", "exited"])
async def test_an_ingress_that_never_listens_is_a_named_wait(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """At its deadline, or at once where its container has ended; with the end of its log."""
    monkeypatch.setattr(front, "_REACHABLE_S", 0.3 if status == "running" else 60.0)
    published = Published(float("inf"))
    async with published.open() as endpoint:
        with pytest.raises(DeadlineExceeded, match="the ingress to listen: no listener"):
            await reach(endpoint, status)
    assert published.answered == 0
