"""Events arrive, or whoever sends them is told: also while a subscription breaks and is made again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from netra_backend.app.cache.event_bus import REMEMBERED, EventBus
from netra_backend.app.cache.redis_link import RedisLink
from netra_backend.app.core.failures import DependencyUnavailable
from tests.servers import redis_server, redis_url_of

WITHIN_S = 60.0


class Heard:
    """What a bus delivered: user, sender, event."""

    def __init__(self) -> None:
        self.all: asyncio.Queue[tuple[str, str, dict[str, Any]]] = asyncio.Queue()

    def take(self, user_id: str, sender: str, event: dict[str, Any]) -> None:
        self.all.put_nowait((user_id, sender, event))

    async def next(self) -> tuple[str, str, dict[str, Any]]:
        return await asyncio.wait_for(self.all.get(), WITHIN_S)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(scope="module")
def redis_url(server_folder: Path) -> Iterator[str]:
    """A Redis of its own: what PUBLISH counts would else be heard by the session's backends as well."""
    server = redis_server(server_folder)
    server.start()
    yield redis_url_of(server)
    server.end()


@pytest.fixture
async def link(redis_url: str) -> AsyncIterator[RedisLink]:
    link = RedisLink(redis_url)
    yield link
    await link.close()


@pytest.fixture
async def bus(link: RedisLink, heard: Heard) -> AsyncIterator[EventBus]:
    bus = EventBus(link)
    bus.deliver_to(heard.take)
    await bus.start()
    yield bus
    await bus.close()


async def test_what_is_published_arrives(bus: EventBus, heard: Heard) -> None:
    """Whatever an identity provider calls its users, and nothing of the bus's own is mistaken for an event."""
    for user in ("echo", "?", "google-oauth2|1", "*", "user:7"):
        await bus.ping()
        await bus.publish(user, "sender", {"n": user})
        assert await heard.next() == (user, "sender", {"n": user})
    assert heard.all.empty()


async def test_nothing_is_lost_in_silence_when_the_subscription_breaks(
    bus: EventBus, link: RedisLink, heard: Heard
) -> None:
    """At the very moment, before the bus can know: published and delivered, or refused."""
    for number in range(5):
        await link.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
        try:
            await bus.publish("ada", "sender", {"n": number})
        except DependencyUnavailable:
            await _until_ready(bus)
        else:
            assert await heard.next() == ("ada", "sender", {"n": number})


async def test_ready_means_that_the_next_event_arrives(bus: EventBus, link: RedisLink, heard: Heard) -> None:
    """Asked at once after the subscription broke, the bus says so, or holds what it says."""
    for number in range(5):
        await link.client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
        await _until_ready(bus)
        await bus.publish("ada", "sender", {"n": number})
        assert await heard.next() == ("ada", "sender", {"n": number})


async def test_an_event_whose_publishing_was_not_answered_arrives_once(
    bus: EventBus, link: RedisLink, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is published once more, for nobody knows whether it was; the next event of the run is another one."""
    await bus.ping()
    connection = await link.client.connection_pool.get_connection()  # type: ignore[no-untyped-call]
    await link.client.connection_pool.release(connection)
    read, lost = connection.read_response, list[int]()

    async def read_response(*args: Any, **kwargs: Any) -> Any:
        answer = await read(*args, **kwargs)
        if answer == 1 and not lost:
            lost.append(answer)
            raise RedisConnectionError("lost")
        return answer

    monkeypatch.setattr(connection, "read_response", read_response)
    for sequence in (1, 2):
        await bus.publish("ada", "sender", {"run_id": "r", "sequence": sequence})
    assert lost == [1]
    assert [(await heard.next())[2]["sequence"] for _ in range(2)] == [1, 2]
    await bus.ping()
    assert heard.all.empty()


async def test_what_arrived_long_ago_is_forgotten(bus: EventBus, heard: Heard) -> None:
    """And what has no run is delivered as often as it comes."""
    for sequence in (*range(REMEMBERED + 1), 0, REMEMBERED, None, None):
        await bus.publish("ada", "sender", {"run_id": "r", "sequence": sequence})
    said = [(await heard.next())[2]["sequence"] for _ in range(REMEMBERED + 4)]
    assert said == [*range(REMEMBERED + 1), 0, None, None]


async def _until_ready(bus: EventBus) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            try:
                return await bus.ping()
            except DependencyUnavailable:
                await asyncio.sleep(0.005)
