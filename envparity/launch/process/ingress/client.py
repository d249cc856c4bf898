"""One client's connection: its requests, one after the other, until it is closed, dropped, or a tunnel."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TypeVar

import h11

from envparity.launch.process.accepting import Stream
from envparity.launch.process.ingress.body import Body, HungUp, linger, relay
from envparity.launch.process.ingress.head import HeadRefused, RequestHead, check_size, end_of_head, read_request
from envparity.launch.process.ingress.headers import Header, answer_head, arrival_headers, forwarded_headers, page
from envparity.launch.process.ingress.plan import Address, IngressPlan
from envparity.launch.process.ingress.replicas import ReplicaAnswer, ask
from envparity.launch.process.ingress.routing import Routing, UnknownPath
from envparity.launch.process.ingress.tunnel import LastHeard, tunnel

__all__ = ["ClientConnection", "Shared"]

T = TypeVar("T")

_KEEP_ALIVE_S = 75.0  # keepalive_timeout, as nginx has it
_CHUNK_BYTES = 65536
_NOT_REPEATED = frozenset({b"POST", b"LOCK", b"PATCH"})  # NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT


@dataclass(frozen=True)
class Shared:
    """What all connections of one ingress have in common."""

    plan: IngressPlan
    routing: Routing
    stopping: asyncio.Event


class ClientConnection:
    """`host` is the client's address. `silence` hears of every byte that comes, from it and from the replica."""

    def __init__(self, shared: Shared, stream: Stream, host: str, silence: LastHeard) -> None:
        self._shared, self._client, self._host, self._silence = shared, stream, host, silence
        self._plan = shared.plan
        self._received = b""  # of the next request

    async def serve(self) -> None:
        """Answer request after request. Closes the connection in order, unless it was reset."""
        parser: h11.Connection | None = None
        try:
            while await self._next_head(first=parser is None):
                request, parser = read_request(self._received)
                if not await self._answered(request, parser):
                    break
                self._received = parser.trailing_data[0]
        except HeadRefused as refused:
            self._client.writer.write(page(refused.status, b"close", said=refused.page))
            if parser is not None and refused.status == 413:
                await linger(self._client, parser)
        except (HungUp, TimeoutError):
            pass
        await self._client.close()

    async def _next_head(self, *, first: bool) -> bool:
        """Wait for a whole head; False when there will be none. Raises `HeadRefused`, TimeoutError for a slow one."""
        self._received = self._received.lstrip(b"\r\n")
        if not first and not self._received:
            if self._shared.stopping.is_set():
                return False
            async with asyncio.timeout(_KEEP_ALIVE_S):
                await self._receive_or_stop()
        async with asyncio.timeout(self._plan.header_timeout_s):
            while True:
                self._received = self._received.lstrip(b"\r\n")
                check_size(self._received, self._plan.ingress.max_header_bytes)
                if end_of_head(self._received) is not None:
                    return True
                if not await self._receive_or_stop():
                    return False

    async def _receive_or_stop(self) -> bool:
        """Receive more; False at the end, or where nothing has come when the ingress is stopped."""
        reading = asyncio.create_task(self._client.reader.read(_CHUNK_BYTES))
        stopping = asyncio.create_task(self._shared.stopping.wait())
        try:
            waited = {reading} if self._received else {reading, stopping}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            data = reading.result() if reading.done() else b""
        finally:
            for task in (reading, stopping):
                task.cancel()
            await asyncio.gather(reading, stopping, return_exceptions=True)
        self._received += data
        return bool(data)

    async def _answered(self, request: RequestHead, parser: h11.Connection) -> bool:
        """Answer it; True when the connection goes on with another request."""
        body = Body(self._client, request, parser, self._plan)
        if request.version == b"1.1" and request.value(b"expect").lower() == b"100-continue":
            await self._client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        keeps = request.keeps_alive and not self._shared.stopping.is_set()
        connection = b"keep-alive" if keeps else b"close"
        with_body = request.method != b"HEAD"
        try:
            answer = await self._unless_gone(self._asked(request, body))
        except (TimeoutError, UnknownPath) as error:
            status = error.status if isinstance(error, UnknownPath) else 504
            await self._client.send(page(status, connection, with_body=with_body))
            return keeps and body.is_complete
        upstream = f"{answer.replica[0]}:{answer.replica[1]}"
        forwarded = self._forwarded(request, body)
        arrived = arrival_headers(forwarded, self._plan.watched, answered=answer.stream is not None)
        cookies = self._shared.routing.cookies(request, answer.replica) if answer.stream is not None else []
        try:
            if answer.stream is None or answer.parser is None:
                await self._client.send(page(answer.status, connection, upstream, arrived=arrived, with_body=with_body))
            elif answer.status == 101:
                given = (answer.status, answer.reason, answer.headers, b"upgrade", upstream)
                head = answer_head(*given, arrived=arrived, cookies=cookies)
                await self._client.send(head + answer.parser.trailing_data[0])
                answer.stream.writer.write(parser.trailing_data[0])
                await tunnel(self._client, answer.stream, self._silence)
                return False
            else:
                framed = any(name.lower() == b"content-length" for name, _ in answer.headers)
                has_body = with_body and answer.status not in {204, 304}
                chunked = has_body and not framed and request.version != b"1.0"
                keeps = keeps and (framed or chunked or not has_body)
                given = (answer.status, answer.reason, answer.headers, connection, upstream)
                head = answer_head(*given, arrived=arrived, cookies=cookies, chunked=chunked)
                idle_s = self._plan.ingress.idle_timeout_s
                await relay(head, answer.stream, answer.parser, self._client, idle_s, chunked=chunked)
        finally:
            await answer.drop()
        return keeps and body.is_complete

    def _forwarded(self, request: RequestHead, body: Body) -> list[Header]:
        return forwarded_headers(request, self._host, self._plan.ingress, length=body.length)

    async def _asked(self, request: RequestHead, body: Body) -> ReplicaAnswer:
        """What a replica answers; the next one is asked while they are away, and nothing can have happened twice."""
        routing = self._shared.routing
        tried: set[Address] = set()
        target = routing.target(request)
        asked = h11.Request(method=request.method, target=target, headers=self._forwarded(request, body))
        repeatable = body.is_complete and request.method not in _NOT_REPEATED
        while True:
            replica = routing.next(request, self._host, tried)
            tried.add(replica)
            answer = await ask(replica, asked, body.send, self._silence.broken)
            if answer.status not in {502, 504} or not repeatable or len(tried) == len(routing):
                return answer
            await answer.drop()

    async def _unless_gone(self, work: Coroutine[object, object, T]) -> T:
        """Its result. Raises `HungUp` when the client goes meanwhile, and TimeoutError after too long a silence."""
        self._silence.broken()
        working = asyncio.create_task(work)
        ended = asyncio.create_task(self._client.ended.wait())
        silent = asyncio.create_task(self._silence.too_long())
        try:
            await asyncio.wait({working, ended, silent}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return await working
            if ended.done():
                raise HungUp
            raise TimeoutError
        finally:
            for task in (working, ended, silent):
                task.cancel()
            await asyncio.gather(working, ended, silent, return_exceptions=True)
