"""What a dependency's proxy does for the steps that disturb it, over real sockets, and what it saw meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from envparity.launch import disturbing
from envparity.launch.proxy import Proxy
from envparity.model.step import BlackHole, BreakAnswer, BreakRequest, HangUp, Refuse, Slow

DEADLINE_S = 60.0
ANSWER = b"0123456789"
OPEN: list[asyncio.StreamWriter] = []
"""What the test under way has opened, either side."""


ASKED: list[bytes] = []
"""What has arrived of it."""


async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ten bytes for each that comes."""
    OPEN.append(writer)
    with suppress(ConnectionError):
        while asked := await reader.read(1):
            ASKED.append(asked)
            writer.write(ANSWER)


@asynccontextmanager
async def proxied() -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    try:
        async with asyncio.timeout(DEADLINE_S), Proxy("127.0.0.1", server.sockets[0].getsockname()[:2]) as proxy:
            yield proxy
    finally:
        server.close()
        for writer in OPEN:
            writer.transport.abort()
        await asyncio.gather(*(writer.wait_closed() for writer in OPEN), return_exceptions=True)
        OPEN.clear()
        ASKED.clear()


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def of(cls, proxy: Proxy) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        OPEN.append(writer)
        return cls(reader, writer)

    def ask(self) -> None:
        self.writer.write(b"?")

    async def answered(self) -> bytes:
        """A whole answer. Raises what ends the connection before that."""
        self.ask()
        return await self.reader.readexactly(len(ANSWER))

    async def is_silent(self) -> bool:
        """Whether nothing comes and nothing ends, for as long as a test can wait."""
        try:
            async with asyncio.timeout(0.2):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


async def test_a_slow_dependency_is_slow_for_all_or_for_some_answers() -> None:
    """What waits for a slow answer comes behind it; who asked on another connection is not made to wait."""
    loop = asyncio.get_running_loop()
    async with proxied() as proxy:
        client, other = await Client.of(proxy), await Client.of(proxy)
        assert await client.answered() == await other.answered() == ANSWER
        await disturbing.begin(proxy, Slow("it", by_s=0.3, answers=1), tell_apart=False)
        began_s = loop.time()
        assert await client.answered() == ANSWER
        assert loop.time() - began_s >= 0.3
        assert [await client.answered(), await other.answered()] == [ANSWER, ANSWER]
        await disturbing.begin(proxy, Slow("it", by_s=60), tell_apart=False)
        other.ask()
        assert await other.is_silent()
        await disturbing.end(proxy)
        assert await client.answered() == ANSWER


async def test_answers_of_several_connections_overtake_one_another() -> None:
    """Who asked first is answered last; who asks for one thing after the other is answered in that order, late."""
    loop = asyncio.get_running_loop()
    async with proxied() as proxy:
        clients = [await Client.of(proxy) for _ in range(3)]
        for client in clients:
            await client.answered()
        await disturbing.begin(proxy, Slow("it", by_s=1, reverse=True), tell_apart=False)
        order: list[int] = []

        async def asks(number: int) -> None:
            await asyncio.sleep(number * 0.05)
            await clients[number].answered()
            order.append(number)

        began_s = loop.time()
        await asyncio.gather(*map(asks, range(3)))
        assert order == [2, 1, 0]
        assert loop.time() - began_s >= 0.95
        first, second = clients[0], clients[0]
        first.ask()
        assert await second.answered() == await first.reader.readexactly(len(ANSWER)) == ANSWER
        await disturbing.begin(proxy, Slow("it", by_s=60, reverse=True), tell_apart=False)
        await disturbing.end(proxy)
        assert await first.answered() == ANSWER


async def test_one_answer_ends_in_the_middle_and_the_next_ones_do_not() -> None:
    """Half of it arrives, and then a reset, not an end in order."""
    async with proxied() as proxy:
        client, other = await Client.of(proxy), await Client.of(proxy)
        await client.answered()
        await disturbing.begin(proxy, BreakAnswer("it"), tell_apart=False)
        client.ask()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)) as ended:
            await client.reader.readexactly(len(ANSWER))
        if isinstance(ended.value, asyncio.IncompleteReadError):  # else the reset has overtaken it
            assert len(ended.value.partial) == len(ANSWER) // 2
        assert await other.answered() == ANSWER


@pytest.mark.parametrize(("step", "arrived"), [(BreakRequest("it", nth=3), 2), (BreakAnswer("it", nth=3), 3)])
async def test_one_of_several_is_lost_whoever_asks(step: BreakAnswer | BreakRequest, arrived: int) -> None:
    """It is counted over all connections; what was asked has arrived, or has not, and the next ones are answered."""
    async with proxied() as proxy:
        client, other = await Client.of(proxy), await Client.of(proxy)
        assert await client.answered() == await other.answered() == ANSWER
        await disturbing.begin(proxy, step, tell_apart=False)
        ASKED.clear()
        assert await client.answered() == await other.answered() == ANSWER
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.answered()
        assert len(ASKED) == arrived
        assert await other.answered() == ANSWER


async def test_what_is_over_loses_nothing_any_more() -> None:
    async with proxied() as proxy:
        client = await Client.of(proxy)
        await disturbing.begin(proxy, BreakRequest("it", nth=2), tell_apart=False)
        assert await client.answered() == ANSWER
        await disturbing.end(proxy)
        assert await client.answered() == ANSWER


async def test_in_a_black_hole_nothing_comes_and_nothing_ends() -> None:
    """Connections of before stay silent for ever; those that come afterwards are answered. It is seen who came."""
    async with proxied() as proxy:
        before = await Client.of(proxy)
        await before.answered()
        await disturbing.begin(proxy, BlackHole("it"), tell_apart=True)
        during = await Client.of(proxy)
        for client in (before, during):
            client.ask()
            assert await client.is_silent()
        await disturbing.end(proxy)
        assert await (await Client.of(proxy)).answered() == ANSWER
        assert await before.is_silent()
        assert await during.is_silent()
        (outage,) = disturbing.outages_of(proxy, lambda _: 1)
        assert [attempt.replica for attempt in outage.attempts] == [1]
        assert outage.connected_s is not None
        before.writer.close()  # lets go of both sides
        while proxy.open_connections > 2:  # noqa: ASYNC110  it has no event for it
            await asyncio.sleep(0.01)


async def test_who_is_hung_up_on_is_counted() -> None:
    """Accepted and reset, also who was connected; with the moments, until it is back."""
    async with proxied() as proxy:
        client = await Client.of(proxy)
        await client.answered()
        await disturbing.begin(proxy, HangUp("it"), tell_apart=False)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await client.answered()
        for _ in range(3):
            again = await Client.of(proxy)
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await again.answered()
        await disturbing.end(proxy)
        (outage,) = disturbing.outages_of(proxy, lambda _: 0)
        assert outage.tried == 3
        assert [attempt.at_s for attempt in outage.attempts] == sorted(attempt.at_s for attempt in outage.attempts)
        assert outage.connected_s is None
        assert {attempt.replica for attempt in outage.attempts} == {None}


async def test_a_dependency_that_refuses_keeps_who_is_there() -> None:
    """A server that is full, or a listener that was stopped: open connections go on."""
    async with proxied() as proxy:
        client = await Client.of(proxy)
        await disturbing.begin(proxy, Refuse("it"), tell_apart=False)
        with pytest.raises(ConnectionRefusedError):
            await Client.of(proxy)
        assert await client.answered() == ANSWER
        await disturbing.end(proxy)
        assert await (await Client.of(proxy)).answered() == ANSWER


async def test_what_is_done_next_is_done_in_place_of_what_was() -> None:
    """Nobody has to undo one disturbance before another begins."""
    async with proxied() as proxy:
        await disturbing.begin(proxy, Slow("it", by_s=60), tell_apart=False)
        await disturbing.begin(proxy, HangUp("it"), tell_apart=False)
        await disturbing.begin(proxy, Slow("it", by_s=0.01), tell_apart=False)
        assert await (await Client.of(proxy)).answered() == ANSWER
