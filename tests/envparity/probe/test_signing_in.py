"""A probe that logs in: with the password that it was given, before each conversation."""

from __future__ import annotations

import asyncio
import http

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from envparity.auth.login import Login
from envparity.model.backend import Carrier, Tokens
from tests.envparity.probe.deployed_backend import KEY, Probed, backend, healthy, listening, plan, serving

pytestmark = pytest.mark.asyncio

LOGIN = Login(
    user_setting="USER",
    password_setting="PASSWORD",
    request="POST /login",
    form={"u": "{username}", "p": "{password}"},
    cookie="sid",
)
TALKING = msgspec.structs.replace(backend(), tokens=Tokens(LOGIN, (Carrier("cookie", cookie="sid"),)))


def only_with_a_session(connection: ServerConnection, request: Request) -> Response | None:
    known = request.headers.get("Cookie") == "sid=the-session"
    return None if known else connection.respond(http.HTTPStatus.UNAUTHORIZED, "")


@pytest.mark.parametrize("status", [303, 401])
async def test_it_logs_in_before_its_conversation(status: int) -> None:
    """Through the same port; where that gives nothing, the run ends without credentials, and says what came."""
    bodies = []
    async with serving(healthy, process_request=only_with_a_session) as inside:

        async def front(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST /login "):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                bodies.append(await reader.readexactly(int(length[15:])))
                cookie = b"Set-Cookie: sid=the-session\r\n" if status == 303 else b""
                writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n".encode() + cookie + b"\r\n")
                await writer.drain()
                return
            from_inside, to_inside = await asyncio.open_connection("127.0.0.1", inside)
            to_inside.write(head)
            await asyncio.gather(_carry(reader, to_inside), _carry(from_inside, writer))

        async with listening(front) as port:
            probed = Probed(plan(port, backend=TALKING, settings={"USER": "ann"}))
            outcome = await probed.probe.once()
    assert bodies == [f"u=ann&p={KEY}".encode()]
    assert outcome.healthy == (status == 303), outcome.trouble
    if outcome.trouble is not None:
        assert (outcome.trouble.phase, outcome.handshake) == ("credentials", None)
        assert outcome.trouble.got.endswith("with a cookie sid, got 401")
    assert not any("the-session" in line or KEY in line for line in probed.lines)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(65536):
        writer.write(part)
        await writer.drain()
    writer.close()
