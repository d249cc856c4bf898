"""A session of long polling, which is spoken on as on a WebSocket: what is sent is posted, what arrives is polled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.frames import Close
from websockets.http11 import Response

from envparity.conversation.actions import HttpResponse, SendRequest
from envparity.errors import DoorFailed
from envparity.frames.codec import CODECS, Codec
from envparity.frames.polling import Polled
from envparity.support.stalls import within

__all__ = ["Connection", "PollingConnection", "Transport", "as_response", "open_polling"]

_LOST, _NOT_SAID = 1006, 1005  # RFC 6455 §7.4.1: no end that was said, and one without a code
_MOST_KEPT = 64
_REASON_CHARACTERS = 200
_MARGIN_S = 5.0

Ask = Callable[[SendRequest], Awaitable[HttpResponse]]


class Transport(Protocol):
    """What is below a connection."""

    def abort(self) -> None: ...

    def is_closing(self) -> bool: ...

    def write(self, data: bytes, /) -> None: ...


class Connection(Protocol):
    """What a conversation is held on. All but `transport` raise `websockets.exceptions.ConnectionClosed`."""

    @property
    def transport(self) -> Transport: ...

    async def send(self, message: str | bytes, /) -> None: ...

    async def recv(self) -> str | bytes: ...

    async def close(self, code: int = 1000, reason: str = "") -> None: ...


@dataclass(frozen=True)
class _Asking:
    """Requests of one client. `opening` is the one that opened its session, without target and body."""

    ask: Ask
    opening: SendRequest

    async def get(self, target: str, timeout_s: float) -> HttpResponse:
        return await self._asked("GET", target, timeout_s)

    async def post(self, target: str, body: bytes, content_type: str) -> HttpResponse:
        return await self._asked("POST", target, self.opening.timeout_s, body, {"Content-Type": content_type})

    async def _asked(
        self, method: str, target: str, timeout_s: float, body: bytes = b"", more: Mapping[str, str] | None = None
    ) -> HttpResponse:
        opening = self.opening
        headers = (*opening.headers, *(more or {}).items())
        request = SendRequest(
            opening.connection, method, target, headers, body, timeout_s, opening.user, opening.source
        )
        try:
            async with within(timeout_s):
                return await self.ask(request)
        except TimeoutError:
            return HttpResponse(0, error=f"nothing within {timeout_s:g} s")


class PollingConnection:
    """One session. An end that the backend says has the code 1005, a request that fails 1006, with what came instead.

    `response` is the answer that opened it; there is neither a subprotocol nor a connection that lasts, and what stands
    below it are its polls.
    """

    subprotocol = None
    local_address = ("", 0)

    def __init__(self, asking: _Asking, polled: Polled, codec: Codec, response: Response) -> None:
        self.response = response
        self._asking, self._polled, self._codec = asking, polled, codec
        self._arrived: asyncio.Queue[str | bytes | None] = asyncio.Queue(_MOST_KEPT)
        self._ended: ConnectionClosed | None = None
        self._failed: DoorFailed | None = None
        self._closing = False
        self._posting = asyncio.Lock()
        self._polls: asyncio.Task[None] | None = None

    def begin(self, messages: Iterable[str | bytes]) -> None:
        """Go on with what the first answer brought."""
        self._polls = asyncio.create_task(self._poll(tuple(messages)))

    @property
    def transport(self) -> Transport:
        return self

    def abort(self) -> None:
        """Poll no longer."""
        if self._polls is not None:
            self._polls.cancel()

    def is_closing(self) -> bool:
        """Always: nothing can be written."""
        return True

    def write(self, data: bytes, /) -> None:
        """Never called."""
        raise NotImplementedError(f"{len(data)} bytes below a session of long polling")

    async def send(self, message: str | bytes, /) -> None:
        """Post it. Raises `ConnectionClosed` where the session has ended, or ends by that."""
        with CODECS.guarding(self._codec):
            body = self._polled.write([message])
        async with self._posting:
            if self._ended is not None:
                raise self._ended
            answer = await self._asking.post(self._polled.target, body, self._polled.content_type)
        if answer.status != HTTPStatus.OK:
            raise self._end(_LOST, _why(answer, "POST"))

    async def recv(self) -> str | bytes:
        """The next message. Raises `ConnectionClosed` once all has been given and the session has ended."""
        message = await self._arrived.get() if self._ended is None or not self._arrived.empty() else None
        if message is None:
            raise self._failed or self._ended or ConnectionClosedError(None, None)
        return message

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say the farewell; a session has no codes, and so an answer stands for the echo of this one."""
        if self._ended is not None or self._closing:
            return
        self._closing = True  # what is polled meanwhile may be answered in any way
        with CODECS.guarding(self._codec):
            body = self._polled.write([self._polled.farewell])
        async with self._posting:
            answer = await self._asking.post(self._polled.target, body, self._polled.content_type)
        if answer.status == HTTPStatus.OK:
            self._end(code, reason, by_client=True)
        else:
            self._end(_LOST, _why(answer, "POST"))
        self.abort()
        await self._arrived.put(None)

    async def _poll(self, messages: tuple[str | bytes, ...]) -> None:
        """Hand over what arrives, until the session ends."""
        try:
            while not await self._handed_over(messages):
                answer = await self._asking.get(self._polled.target, self._polled.patience_s + _MARGIN_S)
                if answer.status != HTTPStatus.OK:
                    self._lost(_why(answer, "GET"))
                    break
                with CODECS.guarding(self._codec):
                    messages = self._polled.read(answer.body.decode(errors="replace"))
        except ValueError as error:
            self._lost(f"GET answered with {error}")
        except DoorFailed as failed:
            self._failed = failed
        await self._arrived.put(None)

    async def _handed_over(self, messages: tuple[str | bytes, ...]) -> bool:
        """Give these to who reads; whether the session has ended with one of them."""
        for message in messages:
            if self._polled.ends(message):
                self._end(_NOT_SAID, "")
                return True
            await self._arrived.put(message)
        return False

    def _lost(self, reason: str) -> None:
        if not self._closing:
            self._end(_LOST, reason)

    def _end(self, code: int, reason: str, *, by_client: bool = False) -> ConnectionClosed:
        """Note how it ended, unless it has."""
        if self._ended is None:
            said = Close(code, reason)
            self._ended = ConnectionClosedError(said, said if by_client else None, False if by_client else None)
        return self._ended


async def open_polling(
    ask: Ask, opening: SendRequest, polled: Polled, codec: Codec
) -> PollingConnection | HttpResponse:
    """Open a session; the answer that opened none, with the reason where its status does not say it."""
    asking = _Asking(ask, opening)
    answer = await asking.get(polled.target, opening.timeout_s)
    if answer.status != HTTPStatus.OK:
        return answer
    try:
        with CODECS.guarding(codec):
            messages = polled.opened(answer.body.decode(errors="replace"))
    except ValueError as error:
        return HttpResponse(answer.status, answer.headers, answer.body, error=str(error))
    connection = PollingConnection(asking, polled, codec, as_response(answer, body=b""))
    connection.begin(messages)
    return connection


def as_response(answer: HttpResponse, body: bytes | None = None) -> Response:
    """The same as an answer to an upgrade is kept."""
    return Response(answer.status, "", Headers(answer.headers), answer.body if body is None else body)


def _why(answer: HttpResponse, method: str) -> str:
    """What came in place of an answer to go on with."""
    if not answer.status:
        return f"{method} not answered: {answer.error}"
    said = " ".join(answer.body.decode(errors="replace").split())[:_REASON_CHARACTERS]
    return f"{method} answered with HTTP status {answer.status}" + (f": {said}" if said else "")
