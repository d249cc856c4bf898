"""Requests over real sockets: whatever a server answers is an answer, within bounds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from envparity.conversation.actions import HttpResponse, SendRequest
from envparity.conversation.affinity import AffinityCookies
from envparity.conversation.requesting import MOST_BYTES, respond
from envparity.launch.ingress_variables import AFFINITY_COOKIE
from envparity.launch.port import Endpoint, Stack

POST = SendRequest("a", "POST", "/x?y=1", (("X-Name", "é"),), b"body", 5.0)


@dataclass
class Served:
    """A stack whose backend answers each request with the same bytes; what came is in `asked`."""

    endpoint: Endpoint
    asked: list[bytes] = field(default_factory=list)

    def replica_index(self, upstream: str | None) -> int:
        return int(upstream or 0)


@asynccontextmanager
async def serving(answer: bytes, **changes: Any) -> AsyncIterator[Served]:
    stack: list[Served] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        stack[0].asked.append(head + await reader.readexactly(length))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    endpoint = Endpoint(server.sockets[0].getsockname()[:2], "chat.example", None)
    stack.append(Served(replace(endpoint, **changes)))
    async with server:
        yield stack[0]


async def answered(answer: bytes, request: SendRequest = POST, **changes: Any) -> HttpResponse:
    async with serving(answer, **changes) as stack:
        return await respond(request, cast("Stack", stack), AffinityCookies())


async def test_a_request_says_what_the_step_says_and_where_it_goes() -> None:
    """The host is the endpoint's, whatever address it is at; what the step says comes first."""
    async with serving(b"HTTP/1.1 204 No Content\r\n\r\n") as stack:
        own = replace(POST, headers=(("Accept", "text/html"),))
        for request in (POST, own):
            assert (await respond(request, cast("Stack", stack), AffinityCookies())).status == 204
    first, second = stack.asked
    assert first.startswith(b"POST /x?y=1 HTTP/1.1\r\n")
    assert first.endswith(b"\r\n\r\nbody")
    lines = first.split(b"\r\n")
    for line in (b"Host: chat.example", b"Content-Length: 4", "X-Name: é".encode(), b"Connection: close"):
        assert line in lines
    assert [line for line in second.split(b"\r\n") if line.lower().startswith(b"accept:")] == [b"Accept: text/html"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: 1\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: 1\r\n\r\nabc",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX: 1\r\n\r\nabc",
    ],
)
async def test_an_answer_is_read_however_it_is_framed(answer: bytes) -> None:
    """By its length, in chunks, until the end; after an interim one."""
    response = await answered(answer)
    assert (response.status, response.body, response.replica, response.answered_by) == (200, b"abc", 0, "replica")
    assert ("x", "1") in [(name.lower(), value) for name, value in response.headers]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(MOST_BYTES + 1),
    ],
    ids=["nothing", "no HTTP", "cut short", "too much"],
)
async def test_what_is_no_answer_is_status_0(answer: bytes) -> None:
    """With the reason."""
    response = await answered(answer)
    assert response.status == 0
    assert response.error


async def test_where_nobody_listens_there_is_no_answer() -> None:
    """Nor where the request cannot be written."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = Endpoint(free.getsockname(), "chat.example", None)
        response = await respond(POST, cast("Stack", Served(endpoint)), AffinityCookies())
        assert (response.status, bool(response.error)) == (0, True)
    response = await answered(b"HTTP/1.1 200 OK\r\n\r\n", replace(POST, target="/a b"))
    assert (response.status, bool(response.error)) == (0, True)


async def test_an_ingress_says_who_answered() -> None:
    """And the cookie by which it keeps a client is its own: it goes back with the next request, and is no answer's."""
    head = b"HTTP/1.1 200 OK\r\nX-Envparity-Upstream: 1\r\n"
    own = f"Set-Cookie: {AFFINITY_COOKIE}=r1; Path=/\r\n".encode()
    affinity = AffinityCookies()
    async with serving(head + own + b"Set-Cookie: s=1\r\n\r\n", hops="ingress") as stack:
        for _ in range(2):
            response = await respond(replace(POST, headers=(("Cookie", "a=b"),)), cast("Stack", stack), affinity)
    assert (response.replica, response.answered_by) == (1, "ingress")
    assert [value for name, value in response.headers if name.lower() == "set-cookie"] == ["s=1"]
    first, second = stack.asked
    assert b"Cookie: a=b\r\n" in first
    assert f"Cookie: a=b; {AFFINITY_COOKIE}=r1\r\n".encode() in second
    response = await answered(head + b"X-Envparity-Answered: 1\r\n\r\n", hops="ingress")
    assert response.answered_by == "replica"
    assert (await answered(b"HTTP/1.1 200 OK\r\n\r\n", hops="unknown")).answered_by == "unknown"
