"""Leases, in a real Redis."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from netra_backend.app.cache.connection_limits import LEASE_S, ConnectionLimits
from netra_backend.app.cache.redis_link import RedisLink
from netra_backend.app.core.user_execution_context import UserContextFactory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def redis_link(redis_url: str) -> AsyncIterator[RedisLink]:
    """A link to the session's Redis."""
    link = RedisLink(redis_url)
    yield link
    await link.close()


async def test_no_more_leases_than_the_limit_over_all_replicas(redis_link: RedisLink) -> None:
    """Two replicas give out three leases between them; one given back can be taken again."""
    first, two = ConnectionLimits(redis_link, 3), ConnectionLimits(redis_link, 3)
    user, contexts = uuid.uuid4().hex, UserContextFactory()
    held = [contexts.for_connection(user) for _ in range(4)]
    assert [await limits.take(context) for limits, context in zip((first, two, first, two), held, strict=True)] == [
        True,
        True,
        True,
        False,
    ]
    await two.release(held[0])
    assert await first.take(held[3])


async def test_a_lease_that_has_run_out_makes_room(redis_link: RedisLink) -> None:
    """A replica that was killed does not keep its users out."""
    limits, user = ConnectionLimits(redis_link, 1), uuid.uuid4().hex
    await redis_link.client.zadd(f"netra:connections:{user}", {"of a killed replica": 1})
    assert await limits.held(user) == 1
    assert await limits.take(UserContextFactory().for_connection(user))
    assert 0 < await redis_link.client.ttl(f"netra:connections:{user}") <= LEASE_S
