"""What a replica answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

import h11

from envparity.launch.process.accepting import Stream, connect_stream
from envparity.launch.process.ingress.headers import Header
from envparity.launch.process.ingress.plan import Address

__all__ = ["ReplicaAnswer", "ask"]

_CONNECT_TIMEOUT_S = 1.0  # proxy_connect_timeout of the entrypoint
_CHUNK_BYTES = 65536
_NO_LIMIT = 1 << 20


@dataclass
class ReplicaAnswer:
    """The head of what a replica answered; the body is still to be read from `stream` by `parser`.

    `status` is 502 or 504, without a stream, where the replica is away, is too slow to connect to, or spoke no HTTP.
    """

    replica: Address
    status: int
    reason: bytes = b""
    headers: list[Header] = field(default_factory=list)
    stream: Stream | None = None
    parser: h11.Connection | None = None
    sending: asyncio.Task[None] | None = None

    async def drop(self) -> None:
        """Be done with the connection to the replica."""
        if self.stream is not None:
            self.stream.abort()
        if self.sending is not None:
            self.sending.cancel()
            await asyncio.gather(self.sending, return_exceptions=True)


async def ask(
    replica: Address,
    request: h11.Request,
    send_body: Callable[[Stream, h11.Connection], Coroutine[None, None, None]],
    touched: Callable[[], None],
) -> ReplicaAnswer:
    """Connect, send the request and its body, and wait for the head of the answer, however long that takes.

    An answer that comes before the end of the body is taken at once: the body goes on in `ReplicaAnswer.sending`. What
    `send_body` raises is raised, but for OSError: then the replica may have answered before it hung up.
    """
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            stream = await connect_stream(replica, touched)
    except TimeoutError:
        return ReplicaAnswer(replica, 504)
    except OSError:
        return ReplicaAnswer(replica, 502)
    parser = h11.Connection(h11.CLIENT, _NO_LIMIT)
    stream.writer.write(parser.send(request) or b"")
    sending = asyncio.create_task(send_body(stream, parser), name="ingress: body to the replica")
    reading = asyncio.create_task(_head(stream, parser), name="ingress: head from the replica")
    answer = ReplicaAnswer(replica, 502, stream=stream, parser=parser, sending=sending)
    try:
        await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
        if not reading.done():
            with contextlib.suppress(OSError):
                await sending
        head = await reading
    except (OSError, h11.ProtocolError):
        await answer.drop()
        return ReplicaAnswer(replica, 502)
    except BaseException:
        reading.cancel()
        await answer.drop()
        raise
    answer.status, answer.reason = head.status_code, bytes(head.reason)
    answer.headers = [(bytes(name), bytes(value)) for name, value in head.headers.raw_items()]
    return answer


async def _head(stream: Stream, parser: h11.Connection) -> h11.Response | h11.InformationalResponse:
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            parser.receive_data(await stream.reader.read(_CHUNK_BYTES))
        elif isinstance(event, h11.Response):
            return event
        elif isinstance(event, h11.InformationalResponse):
            if event.status_code == 101:
                return event
        else:
            raise ConnectionResetError("closed before it answered")
