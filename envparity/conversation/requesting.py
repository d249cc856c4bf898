"""One request over HTTP/1.1 to where clients reach the backend, and its answer, within bounds of time and memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from dataclasses import replace

import h11

from envparity.conversation.actions import HttpResponse, SendRequest
from envparity.conversation.affinity import AffinityCookies
from envparity.conversation.answer import UPSTREAM_HEADER
from envparity.conversation.machine import Conversation
from envparity.launch.arrived import ANSWERED_HEADER
from envparity.launch.client_addresses import Way
from envparity.launch.connecting import tcp_connection, why_not
from envparity.launch.port import Endpoint, Stack
from envparity.observe.transcript import Answerer
from envparity.support.stalls import within

__all__ = ["MOST_BYTES", "respond", "respond_and_tell"]

MOST_BYTES = 1024 * 1024
"""How much an answer may bring; one that brings more is none."""

_READ_BYTES = 64 * 1024
_USER_AGENT = "envparity"


async def respond_and_tell(
    request: SendRequest,
    stack: Stack,
    affinity: AffinityCookies,
    conversation: Conversation,
    now: Callable[[], float],
    *,
    way: Way,
) -> None:
    """Have the request answered, and tell the conversation of it; `now` gives seconds since it began."""
    restraint = stack.endpoint.restraint
    if restraint is not None:  # a request has a connection of its own
        await restraint.before_connecting()
    try:
        async with within(request.timeout_s):
            response = await respond(request, stack, affinity, way)
    except TimeoutError:
        conversation.timed_out(now())
    else:
        conversation.responded(response, now())


async def respond(
    request: SendRequest, stack: Stack, affinity: AffinityCookies, way: Way | None = None
) -> HttpResponse:
    """What is answered; status 0 with the reason where that is no answer. `affinity` has the ingress's own cookies,
    `way` is how the client comes to the stack, None: as clients do who have no address of their own.

    The caller has a deadline for it; whatever happens, the connection is closed.
    """
    endpoint = stack.endpoint
    cookie = affinity.of(request.user)
    most = MOST_BYTES if endpoint.restraint is None else min(MOST_BYTES, endpoint.restraint.most_bytes)
    try:
        way = way or Way(endpoint.address)
        sock = await tcp_connection(way.address, way.source)
        server_name = endpoint.server_name if endpoint.tls else None
        try:
            streams = await asyncio.open_connection(sock=sock, ssl=endpoint.tls, server_hostname=server_name)
        except BaseException:
            sock.close()
            raise
        try:
            response = await _exchange(streams, request, _headers(request, endpoint, cookie), most)
            affinity.keep_lines(request.user, _all(response.headers, "Set-Cookie"))
            return _with_replica(replace(response, headers=tuple(affinity.without_own(response.headers))), stack)
        finally:
            streams[1].transport.abort()
            with contextlib.suppress(OSError):
                await streams[1].wait_closed()
    except OSError as error:
        return HttpResponse(0, error=why_not(error))
    except h11.RemoteProtocolError as error:
        return HttpResponse(0, error=f"no HTTP: {error}")
    except h11.LocalProtocolError as error:
        return HttpResponse(0, error=f"nothing that can be sent: {error}")


async def _exchange(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    request: SendRequest,
    headers: list[tuple[bytes, bytes]],
    most: int,
) -> HttpResponse:
    reader, writer = streams
    connection = h11.Connection(h11.CLIENT)
    writer.write(connection.send(h11.Request(method=request.method, target=request.target, headers=headers)) or b"")
    if request.body:
        writer.write(connection.send(h11.Data(data=request.body)) or b"")
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    with contextlib.suppress(ConnectionError):  # it may have answered before it had read everything
        await writer.drain()
    status, answered, body, version = 0, [], b"", ""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            status, version = event.status_code, event.http_version.decode()
            answered = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers]
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
            if len(body) > most:
                return HttpResponse(0, error=f"an answer of more than {most} bytes")
        elif isinstance(event, h11.InformationalResponse):
            continue
        elif isinstance(event, h11.EndOfMessage):
            return HttpResponse(status, tuple(answered), body, version=version)
        else:
            return HttpResponse(0, error="closed without an answer")


def _headers(request: SendRequest, endpoint: Endpoint, cookie: str) -> list[tuple[bytes, bytes]]:
    given = dict(request.headers)
    said = {name.lower(): name for name in given}
    if cookie:
        name = said.get("cookie", "Cookie")
        given[name] = "; ".join(filter(None, (given.get(name, ""), cookie)))
    usual = {"Host": endpoint.host, "User-Agent": _USER_AGENT, "Accept": "*/*", "Connection": "close"}
    if request.body or request.method in {"POST", "PUT", "PATCH"}:
        usual["Content-Length"] = str(len(request.body))
    wanted = {name: value for name, value in usual.items() if name.lower() not in said} | given
    return [(name.encode(), value.encode()) for name, value in wanted.items()]


def _with_replica(response: HttpResponse, stack: Stack) -> HttpResponse:
    """The answer with who gave it, as an ingress of ours says it."""
    upstream = _first(response.headers, UPSTREAM_HEADER)
    replica = None if upstream == "-" else stack.replica_index(upstream)
    by: Answerer = "unknown"
    if stack.endpoint.hops == "none":
        by = "replica"
    elif stack.endpoint.hops == "ingress":
        by = "replica" if _first(response.headers, ANSWERED_HEADER) is not None else "ingress"
    return replace(response, replica=replica, answered_by=by)


def _all(headers: Iterable[tuple[str, str]], wanted: str) -> list[str]:
    return [value for name, value in headers if name.lower() == wanted.lower()]


def _first(headers: Iterable[tuple[str, str]], wanted: str) -> str | None:
    return next(iter(_all(headers, wanted)), None)
