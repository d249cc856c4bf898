"""Signing in over HTTP: what the backend gives, what it does not, and how long one waits for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from envparity.auth.login import Login
from envparity.conversation import actions
from envparity.conversation.handshake import SignedIn
from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import resolve_scenario
from envparity.conversation.signing_in import SignInAddress, sign_in
from envparity.model.backend import Backend, Carrier, ImageSource, Phases, Tokens
from envparity.model.scenario import Scenario
from envparity.model.step import Connect
from envparity.observe.transcript import Departure

pytestmark = pytest.mark.asyncio

SETTINGS = {"USER": "ann", "PASSWORD": "p4ssw0rd"}
LOGIN = Login(
    user_setting="USER",
    password_setting="PASSWORD",
    request="POST /login",
    form={"u": "{username}", "p": "{password}"},
    cookie="sid",
)
EVERY = Scenario("s", steps=tuple(Connect(kind, on=kind) for kind in ("none", "empty", *LOGIN.kinds)))


def backend(connect_s: float = 5.0) -> Backend:
    tokens = Tokens(LOGIN, (Carrier("cookie", cookie="sid"),))
    return Backend("b", Path("b.toml"), ImageSource(), tokens=tokens, phases=Phases(connect_s=connect_s))


@asynccontextmanager
async def answering(answer: Callable[[bytes], bytes]) -> AsyncIterator[SignInAddress]:
    """A server that answers each request by its whole text."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        writer.write(answer(head + await reader.readexactly(length)))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield SignInAddress(("127.0.0.1", port), "chat.example", "chat.example", None, "/under")


def gives(asked: bytes) -> bytes:
    assert asked.startswith(b"POST /under/login HTTP/1.1\r\n")
    assert b"\r\nhost: chat.example\r\n" in asked.lower()
    if b"p=p4ssw0rd" not in asked:
        return b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"
    cookies = b"Set-Cookie: sid=opaque-session\r\nSet-Cookie: other=another-secret\r\n"
    return b"HTTP/1.1 303 See Other\r\nLocation: /elsewhere\r\n" + cookies + b"Content-Length: 0\r\n\r\n"


async def test_each_kind_is_what_the_backend_gave_for_it() -> None:
    """What need not be asked for is not, nor what is there already."""
    async with answering(gives) as door:
        signed = await sign_in(EVERY, backend(), SETTINGS, door)
        assert await sign_in(EVERY, backend(), SETTINGS, door, given=LOGIN.kinds) == {}
        assert await sign_in(EVERY, backend(), {}, door) == {}
    assert signed["valid"] == SignedIn("opaque-session", secrets=("opaque-session", "another-secret", "opaque-session"))
    assert (signed["wrong_password"].credential, signed["wrong_password"].expected) == ("", "")
    assert len(signed["forged"].credential) == len("opaque-session")
    assert set(signed) == {"valid", "forged", "wrong_password"}
    made = resolve_scenario(EVERY, backend(), SETTINGS, "https://here", now_s=0, signed_in=signed)
    sent = [dict(made.handshakes[index].headers).get("Cookie") for index in range(len(EVERY.steps))]
    assert sent[:3] == [None, "sid=", "sid=opaque-session"]
    assert {made.secrets[secret] for secret in ("opaque-session", "another-secret")} <= {
        "<token:valid>",
        "<token:forged>",
    }


async def test_a_conversation_ends_at_the_step_that_lacks_its_credential() -> None:
    """With what was expected of the login, and what came."""
    once = Scenario("s", steps=(Connect("valid"),))
    refused = {"valid": SignedIn("", "a login", "500: oops")}
    made = resolve_scenario(once, backend(), SETTINGS, "https://here", now_s=0, signed_in=refused)
    talk = Conversation(once, made, None)
    assert isinstance(talk.next(0.1), actions.Finished)
    assert talk.transcript.departure == Departure(0, "handshake", "a login", "500: oops", "a")


async def test_what_gives_nothing_says_why() -> None:
    """A refusal, no HTTP, nobody there, an answer that does not come."""
    once = Scenario("s", steps=(Connect("valid"),))
    async with answering(lambda _: b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nbad!") as door:
        refused = (await sign_in(once, backend(), SETTINGS, door))["valid"]
    assert (refused.got, refused.credential) == ("500: bad!", "")
    secure = b"HTTP/1.1 200 OK\r\nSet-Cookie: sid=opaque; Secure\r\nContent-Length: 0\r\n\r\n"
    async with answering(lambda _: secure) as door:
        unkept = (await sign_in(once, backend(), SETTINGS, door))["valid"]
    assert (unkept.got, unkept.secrets) == (
        "200 with one that is not kept: Secure, and the connection is without TLS", ("opaque",),
    )  # fmt: skip
    async with answering(lambda _: b"what?\r\n\r\n") as door:
        assert (await sign_in(once, backend(), SETTINGS, door))["valid"].got == "RemoteProtocolError"
    assert (await sign_in(once, backend(), SETTINGS, door))["valid"].got == "ConnectError"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        quiet = SignInAddress(silent.getsockname()[:2], "a", "a", None)
        late = (await sign_in(once, backend(connect_s=0.05), SETTINGS, quiet))["valid"]
    assert (late.expected, late.got) == ("POST /login is answered", "nothing within 0.05 s")
