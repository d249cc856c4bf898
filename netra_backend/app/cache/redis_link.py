"""The link to Redis: a pool of connections, replaced by themselves when they break."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from redis.asyncio import Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff

from netra_backend.app.cache.redis_tls import share_tls_context
from netra_backend.app.core.failures import redis_failures

if TYPE_CHECKING:
    from collections.abc import Awaitable

ANSWER_TIMEOUT_S = 5.0
"""How long one command may take, connecting included. The same in every environment."""

PREFIX = "netra:"


class RedisLink:
    """Asks Redis, and says in the backend's own words when it does not answer."""

    def __init__(self, url: str) -> None:
        self.tls_asked_for = urlsplit(url).scheme == "rediss"
        # One retry at once, for a pooled connection that broke while nobody used it; an outage is said, not sat out.
        self.client = _client(url, retries=1)
        # A subscription that is made again in silence has missed something, and nobody knows.
        self.subscriber = _client(url, retries=0)
        share_tls_context(self.client, self.subscriber)

    async def ask(self, command: Awaitable[Any]) -> Any:
        """Await a command of `client`. Raises DependencyUnavailable or DependencyRefused."""
        with redis_failures():
            return await command

    @property
    def tls_in_use(self) -> bool:
        """Whether the pool's connections are encrypted."""
        return issubclass(self.client.connection_pool.connection_class, SSLConnection)

    async def ping(self, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Ask whether Redis answers now. Raises DependencyUnavailable or DependencyRefused."""
        with redis_failures():
            async with asyncio.timeout(timeout_s):
                await self.client.ping()

    async def close(self) -> None:
        """Close all connections."""
        await self.client.aclose()
        await self.subscriber.aclose()


def _client(url: str, retries: int) -> Redis:
    """Connects when it is first used."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=ANSWER_TIMEOUT_S,
        socket_connect_timeout=ANSWER_TIMEOUT_S,
        retry=Retry(ConstantBackoff(0.01), retries),
        # Nothing here needs RESP3, whose greeting costs a round trip; nor does the server need the library's name.
        protocol=2,
        driver_info=None,
    )
