"""One accepted WebSocket: frames out in order through one writer, text in with a deadline, one close frame at most."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import structlog
from starlette.websockets import WebSocketDisconnect

from netra_backend.app.websocket_core.refusals import SLOW_CONSUMER, ConversationEnded, Ending, message_too_big

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from netra_backend.app.metrics import Metrics
    from netra_backend.app.websocket_core.refusals import Frame

MAX_WAITING_FRAMES = 256
"""How many frames may wait for a client that does not read; with more, the connection is ended."""

CLOSE_TIMEOUT_S = 2.0
"""How long what waits, and the close frame behind it, may take to be written."""

log = structlog.stdlib.get_logger(__name__)


class ClientGone(Exception):
    """The client has closed, or the connection broke. `code` is its close code, or 1005 or 1006 without one."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


class Wire:
    """Carries frames. Everything goes out through one writer, so that frames keep the order they were sent in."""

    _writer: asyncio.Task[None]

    def __init__(self, websocket: WebSocket, metrics: Metrics, max_message_bytes: int) -> None:
        self._websocket = websocket
        self._metrics = metrics
        self._max_message_bytes = max_message_bytes
        self._waiting: asyncio.Queue[Frame | Ending] = asyncio.Queue(MAX_WAITING_FRAMES)
        self._ordered: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    @classmethod
    def over(cls, websocket: WebSocket, metrics: Metrics, max_message_bytes: int) -> Wire:
        """A wire over that connection, whose writer has begun; `close` or `abandon` ends it."""
        wire = cls(websocket, metrics, max_message_bytes)
        wire._writer = asyncio.create_task(wire._write(), name="websocket writer")
        return wire

    def send(self, frame: Frame) -> None:
        """Send a frame after those before it. A client that reads too slowly is ended instead."""
        try:
            self._waiting.put_nowait(frame)
        except asyncio.QueueFull:
            self.end(SLOW_CONSUMER)

    def end(self, ending: Ending) -> None:
        """Order the end from outside of the conversation; it happens before the next message is read."""
        if not self._ordered.done():
            self._ordered.set_result(ending)

    async def text(self, timeout_s: float) -> str | None:
        """The text of the next frame; None when the frame was binary.

        Raises TimeoutError, ClientGone, and ConversationEnded when the frame is too big or the end was ordered.
        """
        arriving = asyncio.create_task(self._websocket.receive(), name="websocket frame")
        try:
            awaited: tuple[asyncio.Future[Any], ...] = (arriving, self._ordered)
            done, _ = await asyncio.wait(awaited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not arriving.done():
                arriving.cancel()
        if self._ordered.done():
            raise ConversationEnded(self._ordered.result())
        if not done:
            raise TimeoutError
        message = arriving.result()
        if message["type"] == "websocket.disconnect":
            code = message.get("code") or 1005
            known = str(code) if 1000 <= code < 1016 else "other"
            self._metrics.closes.labels(code=known, reason="client").inc()  # the client's own reason is not counted
            raise ClientGone(code)
        return self._checked(message.get("text"), message.get("bytes"))

    async def close(self, ending: Ending) -> None:
        """Write what waits, the error frame if there is one, and the close frame; within CLOSE_TIMEOUT_S."""
        self._metrics.closes.labels(code=str(ending.code), reason=ending.label).inc()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                if ending.error is not None:
                    await self._waiting.put(ending.error)
                await self._waiting.put(ending)
                await self._writer
        except TimeoutError:
            log.info("the client did not take the close frame", code=ending.code)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Write no more."""
        self._writer.cancel()

    def _checked(self, text: str | None, binary: bytes | None) -> str | None:
        if len((text or "").encode()) > self._max_message_bytes or len(binary or b"") > self._max_message_bytes:
            raise ConversationEnded(message_too_big(self._max_message_bytes))
        return text

    async def _write(self) -> None:
        try:
            while True:
                held = await self._waiting.get()
                if isinstance(held, Ending):
                    await self._websocket.close(held.code, held.reason)
                    return
                await self._websocket.send_text(json.dumps(held, separators=(",", ":")))
        except WebSocketDisconnect:
            return  # the reader is told of it, and ends the conversation
