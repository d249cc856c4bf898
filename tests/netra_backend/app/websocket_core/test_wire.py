"""The wire, before a client that does not read."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from netra_backend.app.metrics import Metrics
from netra_backend.app.websocket_core import wire as wire_module
from netra_backend.app.websocket_core.refusals import SHUTDOWN, SLOW_CONSUMER, ConversationEnded
from netra_backend.app.websocket_core.wire import MAX_WAITING_FRAMES, Wire

if TYPE_CHECKING:
    from starlette.websockets import WebSocket


class Stuck:
    """A WebSocket whose client neither reads nor says anything; a real one would need megabytes to get stuck."""

    def __init__(self) -> None:
        self.closed: list[tuple[int, str]] = []

    async def send_text(self, _text: str) -> None:
        await asyncio.Event().wait()

    async def receive(self) -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


async def test_a_client_that_does_not_read_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither memory nor other users pay for it: the end is ordered, and closing gives up at its deadline."""
    monkeypatch.setattr(wire_module, "CLOSE_TIMEOUT_S", 0.05)
    wire = Wire.over(cast("WebSocket", Stuck()), Metrics(), 8192)
    for _ in range(MAX_WAITING_FRAMES + 2):
        wire.send({"type": "heartbeat"})
        await asyncio.sleep(0)
    with pytest.raises(ConversationEnded) as ended:
        await wire.text(timeout_s=1)
    assert ended.value.ending is SLOW_CONSUMER
    async with asyncio.timeout(1):
        await wire.close(ended.value.ending)


async def test_the_first_order_to_end_counts() -> None:
    """Once a conversation ends for one reason, another changes nothing."""
    wire = Wire.over(cast("WebSocket", Stuck()), Metrics(), 8192)
    wire.end(SHUTDOWN)
    wire.end(SLOW_CONSUMER)
    with pytest.raises(ConversationEnded) as ended:
        await wire.text(timeout_s=1)
    assert ended.value.ending is SHUTDOWN
    wire.abandon()
