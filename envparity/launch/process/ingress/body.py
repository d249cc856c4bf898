"""Bodies of requests and answers, passed on as they come; on who falls silent meanwhile the ingress hangs up."""

from __future__ import annotations

import asyncio
import contextlib

import h11

from envparity.launch.process.accepting import Stream
from envparity.launch.process.ingress.head import HeadRefused, RequestHead
from envparity.launch.process.ingress.plan import IngressPlan

__all__ = ["Body", "HungUp", "linger", "relay"]

_LINGER_S = 5.0  # lingering_timeout: how long the rest of a refused body is taken and thrown away
_CHUNK_BYTES = 65536


class HungUp(Exception):
    """The connection ends here, without another word: what nginx does after too long a wait."""


class Body:
    """A request's body: what of it has come with the head, and the rest as it comes."""

    def __init__(self, client: Stream, request: RequestHead, parser: h11.Connection, plan: IngressPlan) -> None:
        self._client, self._parser = client, parser
        self._limit, self._idle_s = plan.ingress.max_body_bytes, plan.ingress.idle_timeout_s
        self._size = 0
        self._here = b""
        self.is_complete = False
        announced = request.value(b"content-length")
        if announced and int(announced) > self._limit:
            raise HeadRefused(413)
        self._here = self._parsed()
        #: bytes of a body of which all is here already; None otherwise, and where there is none
        self.length = len(self._here) if self.is_complete and request.has_body else None

    def _parsed(self) -> bytes:
        """What can be had without waiting. Raises `HeadRefused` when it is too much, or no body."""
        data = []
        try:
            while isinstance(event := self._parser.next_event(), h11.Data | h11.EndOfMessage):
                if isinstance(event, h11.EndOfMessage):
                    self.is_complete = True
                    break
                self._size += len(event.data)
                if self._size > self._limit:
                    raise HeadRefused(413)
                data.append(bytes(event.data))
        except h11.RemoteProtocolError as error:
            raise HeadRefused(400) from error
        return b"".join(data)

    async def send(self, stream: Stream, parser: h11.Connection) -> None:
        """Send it to a replica to its end. Raises `HeadRefused`, and `HungUp` when the client falls silent."""
        data = self._here
        while True:
            if data:
                await stream.send(parser.send(h11.Data(data=data)) or b"")
            if self.is_complete:
                break
            try:
                async with asyncio.timeout(self._idle_s):
                    received = await self._client.reader.read(_CHUNK_BYTES)
            except TimeoutError:
                raise HungUp from None
            self._parser.receive_data(received)
            data = self._parsed()
        await stream.send(parser.send(h11.EndOfMessage()) or b"")


async def linger(client: Stream, parser: h11.Connection) -> None:
    """Take the rest of the body: were the connection closed before, it would be reset, and the page lost."""
    with contextlib.suppress(TimeoutError, h11.RemoteProtocolError):
        async with asyncio.timeout(_LINGER_S):
            while not isinstance(event := parser.next_event(), h11.EndOfMessage | h11.ConnectionClosed):
                if event is h11.NEED_DATA:
                    parser.receive_data(await client.reader.read(_CHUNK_BYTES))


async def relay(
    head: bytes, replica: Stream, parser: h11.Connection, client: Stream, idle_s: float, *, chunked: bool
) -> None:
    """Pass the answer on as it comes. Raises `HungUp` when its end does not come."""
    out = head
    while True:
        try:
            event = parser.next_event()
        except h11.RemoteProtocolError as error:
            raise HungUp from error
        if event is h11.NEED_DATA or isinstance(event, h11.EndOfMessage):
            if isinstance(event, h11.EndOfMessage) and chunked:
                out += b"0\r\n\r\n"
            async with asyncio.timeout(idle_s):
                await client.send(out)
                out = b""
                if isinstance(event, h11.EndOfMessage):
                    return
                parser.receive_data(await replica.reader.read(_CHUNK_BYTES))
        elif isinstance(event, h11.Data):
            out += b"%x\r\n%b\r\n" % (len(event.data), event.data) if chunked else bytes(event.data)
        else:
            raise HungUp
