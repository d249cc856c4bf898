"""Each client goes by a name of its own, as it connects and as it closes: what a backend keeps by either shows."""

from __future__ import annotations

import re

from websockets.asyncio.server import ServerConnection
from websockets.http11 import USER_AGENT

from envparity.launch.controls import LookedAt
from envparity.model.step import Close, Connect
from tests.envparity.conversation.one_server import OneServer, kept, played, serving

_NAMED = re.compile(r"(?:.* )?\(([0-9a-f-]{36})\)")
_CLOSED = {"code": 1000, "reason": "", "by": "client"}


class _OnlyLookedAt(OneServer):
    """A stack that others use."""

    async def renew(self) -> None: ...

    async def unreachable(self) -> str:
        return ""

    def seen(self, lost: str, left: int) -> object:
        return lost, left


async def said(
    looked_at: bool,
    *headers: dict[str, str],
    times: int = 2,
) -> list[tuple[str, str]]:
    """The User-Agent and the reason for closing of each connection, played so often."""
    heard: list[tuple[str, str]] = []

    async def handler(connection: ServerConnection) -> None:
        assert connection.request is not None
        await connection.wait_closed()
        heard.append((connection.request.headers["User-Agent"], connection.close_reason or ""))

    async with serving(handler) as served:
        stack = _OnlyLookedAt(served.endpoint) if looked_at else served
        assert isinstance(stack, LookedAt) == looked_at
        for _ in range(times):
            told = kept(await played(stack, *(Connect("none", headers=given) for given in headers), Close(1000)))
            assert told[-1] == _CLOSED  # that the peer has echoed the reason is nothing of its own
    return heard


async def test_each_client_has_a_name_that_no_other_has() -> None:
    """The same in both places."""
    heard = await said(False, {})
    names = [tuple(found[1] for text in pair if (found := _NAMED.fullmatch(text))) for pair in heard]
    assert all(agent.startswith(USER_AGENT) for agent, _ in heard)
    assert [len(pair) for pair in names] == [2, 2]
    assert [len({*pair}) for pair in names] == [1, 1]
    assert len({*names}) == 2


async def test_what_a_script_says_stays() -> None:
    heard = await said(False, {"user-agent": "Mozilla/5.0"}, times=1)
    assert [agent for agent, _ in heard] == ["Mozilla/5.0"]


async def test_where_one_may_only_look_nobody_is_told_apart() -> None:
    """A backend that others use would keep these names for good."""
    assert await said(True, {}) == [(USER_AGENT, "")] * 2
