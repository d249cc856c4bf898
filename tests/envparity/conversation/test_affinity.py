"""What an ingress sets to know a client again is sent back as by a browser; and clients ask below the prefix."""

from __future__ import annotations

from dataclasses import replace

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request, Response

from envparity.conversation.affinity import with_cookie
from envparity.launch.ingress_variables import AFFINITY_COOKIE
from envparity.model.step import Connect
from tests.envparity.conversation.one_server import played, serving, silent


class Setting:
    """A server that sets the next cookie for whoever brings none, and remembers who asked, and for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def __call__(self, _: ServerConnection, request: Request, response: Response) -> None:
        cookie = request.headers.get("Cookie", "")
        self.asked.append((request.path, cookie))
        response.headers["Set-Cookie"] = "theme=dark; Path=/"
        response.headers["X-Envparity-Upstream"] = str(len(self.asked) % 2)
        if AFFINITY_COOKIE not in cookie:
            response.headers["Set-Cookie"] = f"{AFFINITY_COOKIE}={len(self.asked)}; Path=/; HttpOnly"


async def asked(*connects: Connect, **endpoint: str) -> list[tuple[str, str]]:
    """The paths and cookies of the handshakes of these connections, in one conversation."""
    setting = Setting()
    async with serving(silent, replicas=2, process_response=setting) as stack:
        stack.endpoint = replace(stack.endpoint, **endpoint)  # type: ignore[arg-type]
        transcript = await played(stack, *connects)
    assert transcript.departure is None, transcript.departure
    return setting.asked


async def test_the_cookie_of_the_ingress_comes_back_with_each_connection_of_its_user() -> None:
    """Another user is another browser; what the backend sets is no matter of the ingress."""
    connects = [Connect("none", on=name, user=user) for name, user in (("a", ""), ("b", "x"), ("c", ""), ("d", "x"))]
    assert await asked(*connects) == [
        ("/ws", ""),
        ("/ws", ""),
        ("/ws", f"{AFFINITY_COOKIE}=1"),
        ("/ws", f"{AFFINITY_COOKIE}=2"),
    ]


async def test_it_goes_beside_the_cookies_of_the_script() -> None:
    """In one header."""
    first, second = Connect("none"), Connect("none", on="b", headers={"cookie": "session=1"})
    assert (await asked(first, second))[1] == ("/ws", f"session=1; {AFFINITY_COOKIE}=1")


async def test_who_must_come_to_another_replica_has_no_cookie_yet() -> None:
    """And keeps the one that it gets there."""
    away = Connect("none", on="b", other_replica_than="a")
    third = Connect("none", on="c")
    assert [cookie for _, cookie in await asked(Connect("none"), away, third)] == ["", "", f"{AFFINITY_COOKIE}=2"]


async def test_one_address_comes_to_one_replica() -> None:
    """No other is waited for where the ingress goes by addresses."""
    connects = [Connect("none"), Connect("none", on="b"), Connect("none", on="c", other_replica_than="a")]
    assert len(await asked(*connects, affinity="address")) == 3


@pytest.mark.parametrize(("path", "expected"), [("", "/below/ws"), ("/elsewhere", "/below/elsewhere")])
async def test_clients_ask_below_the_prefix(path: str, expected: str) -> None:
    """Whatever the path is."""
    assert await asked(Connect("none"), prefix="/below", path=path) == [(expected, "")]


def test_headers_without_a_cookie_stay_as_they_are() -> None:
    """No empty header is sent."""
    assert with_cookie([("X-A", "1")], "") == {"X-A": "1"}
