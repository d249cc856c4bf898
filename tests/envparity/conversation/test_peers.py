"""What a peer does to a handshake, over real sockets: it is what is recorded, and names the departure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.conversation.answer import UPSTREAM_HEADER
from envparity.conversation.driver import play
from envparity.judge.canonical import event_data
from envparity.model.backend import Backend, Carrier, ImageSource, Tokens
from envparity.model.scenario import Scenario
from envparity.model.step import (
    Close,
    Connect,
    ExpectClose,
    Send,
)
from envparity.observe.transcript import Departure, HandshakeAnswered, Header, LoggedLines
from tests.envparity.conversation.one_server import (
    departed,
    kept,
    listening,
    played,
    serving,
    silent,
)


async def test_a_refused_handshake_is_its_status() -> None:
    """An expected one is kept to; any other departs. A redirect is not followed."""

    def refuse(status: int, **headers: str) -> Callable[[ServerConnection, Request], Response]:
        def respond(connection: ServerConnection, _request: Request) -> Response:
            response = connection.respond(status, "no\n")
            response.headers.update(headers)
            return response

        return respond

    async with serving(silent, process_request=refuse(403)) as stack:
        assert kept(await played(stack, Connect("none", status=403)))[0]["status"] == 403
        departure = await departed(stack, Connect("valid"))
        assert departure == Departure(0, "handshake", "101 with subprotocol v1", "HTTP status 403", "a")
    async with serving(silent, process_request=refuse(302, Location="/elsewhere")) as stack:
        assert (await departed(stack, Connect("valid"))).got == "HTTP status 302"


async def test_a_refusal_is_recorded_with_who_answered_and_the_headers_on_both_sides() -> None:
    """Through an ingress, by what that says; without one all arrives. A token is nowhere, in any of them."""

    def refuse(connection: ServerConnection, request: Request) -> Response:
        stack.log.append(f"who is {request.headers['Authorization']}?")
        response = connection.respond(403, "Origin not allowed")
        response.headers.update(through)
        return response

    through = {UPSTREAM_HEADER: "1", "X-Envparity-Answered": "yes", "X-Envparity-Arrived-Origin": "http://localhost"}
    async with serving(silent, process_request=refuse) as stack:
        direct = await played(stack, Connect("valid", origin="allowed", headers={"X_Ticket": "1"}))
        stack.endpoint = replace(stack.endpoint, hops="ingress")
        by_replica = await played(stack, Connect("valid", origin="allowed", headers={"X_Ticket": "1"}))
        through = {UPSTREAM_HEADER: "-"}
        by_ingress = await played(stack, Connect("valid"))
    answers = [transcript.events[0] for transcript in (direct, by_replica, by_ingress)]
    assert all(isinstance(answer, HandshakeAnswered) for answer in answers)
    first, second, third = (answer for answer in answers if isinstance(answer, HandshakeAnswered))
    assert (first.answered_by, first.body, first.lost) == ("replica", "Origin not allowed", ())
    assert first.sent == first.arrived
    assert {header.name: header.value for header in first.sent}["Authorization"] == "Bearer <token:valid>"
    assert (second.answered_by, second.replica) == ("replica", 1)
    assert second.arrived == (Header("Origin", "http://localhost"),)
    assert {"X_Ticket", "Authorization"} <= set(second.lost)
    assert (third.answered_by, third.replica, third.arrived) == ("ingress", None, None)
    assert direct.logged == (LoggedLines("replica 1", ("who is Bearer <token:valid>?",)),)


async def test_what_was_logged_from_the_last_action_until_shortly_after_a_failure_is_kept() -> None:
    """Not what was before; of 1011 what was around it, whatever came later; and nothing where nothing failed."""

    async def talk(client: ServerConnection) -> None:
        stack.log.append("accepted")
        async for _ in client:
            stack.log.append("it broke")
            stack.server_log.append("out of memory")
            await client.close(1011)
            stack.log.append("a moment later")

    async with serving(talk) as stack:
        stack.log.append("started")
        kept_to = await played(stack, Connect("valid"), Close(1000))
        failed = await played(stack, Connect("valid"), Send({"type": "x"}), ExpectClose(1011))
    assert kept_to.logged == ()
    replica, server = failed.logged
    assert replica == LoggedLines("replica 1", ("it broke", "a moment later"))
    assert server == LoggedLines("redis", ("out of memory",), is_replica=False)


async def test_nobody_there_is_a_handshake_without_an_answer() -> None:
    """A refused connection is told as what it is."""
    async with serving(silent) as stack:
        gone = stack
    assert (await departed(gone, Connect("valid"))).got == "no HTTP answer: Connection refused"


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (b"", "no HTTP answer: "),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP answer: "),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "101 with no subprotocol: "),
    ],
)
async def test_an_answer_that_is_no_websocket_is_told_as_such(answer: bytes, got: str) -> None:
    """Nothing at all, no HTTP, or an upgrade to something else."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with listening(handler) as stack:
        departure = await departed(stack, Connect("valid"))
    assert departure.kind == "handshake"
    assert departure.got.startswith(got)
    assert len(departure.got) > len(got)


async def test_a_subprotocol_that_was_not_offered_departs_without_showing_the_token() -> None:
    """A server that selects the token's own subprotocol quotes the token."""
    carriers = (Carrier("subprotocol", subprotocol="jwt.{token_base64url}"),)
    tokens = Tokens(SharedKeyJwt("KEY", "ISS", "AUD"), carriers=carriers)
    subject = Backend("b", Path("b.toml"), ImageSource(), tokens=tokens)

    def select(_connection: ServerConnection, offered: Any) -> Any:
        return offered[0]

    async with serving(silent, select_subprotocol=select) as stack:
        transcript = await play(Scenario("one", steps=(Connect("valid"),)), stack, subject, None)
    assert transcript.departure is not None
    assert transcript.departure.got == "101 with subprotocol jwt.<token:valid>"
    assert event_data(transcript.events[0])["subprotocol"] == "jwt.<token:valid>"
