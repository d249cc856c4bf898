"""How many connections a user has, over all replicas.

Each connection holds a lease in a sorted set of its user, scored by when it ends. Each connection renews its own; those
of a replica that was killed run out. The clock is Redis's, so that replicas need not agree on theirs.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from netra_backend.app.cache.redis_link import PREFIX
from netra_backend.app.core.failures import DependencyRefused, DependencyUnavailable

if TYPE_CHECKING:
    from netra_backend.app.cache.redis_link import RedisLink
    from netra_backend.app.core.user_execution_context import UserExecutionContext

log = structlog.stdlib.get_logger(__name__)

LEASE_S = 15
RENEW_EVERY_S = 5

# KEYS[1] the user's set; ARGV: connection, lease in s, limit. 1 when there is room, else 0. Atomic, as scripts are.
_TAKE = """
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""
# Renewing also restores a lease that Redis lost with its memory.
_RENEW = """
redis.call('ZADD', KEYS[1], tonumber(redis.call('TIME')[1]) + tonumber(ARGV[2]), ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return 1
"""


class ConnectionLimits:
    """Gives out leases, no more for one user than the limit."""

    def __init__(self, redis: RedisLink, limit: int) -> None:
        self._redis = redis
        self.limit = limit

    async def take(self, context: UserExecutionContext) -> bool:
        """Take a lease for this connection; False when the user has too many. Raises DependencyUnavailable."""
        key, connection = _key(context.user_id), context.connection_id
        taken = await self._redis.ask(self._redis.client.eval(_TAKE, 1, key, connection, LEASE_S, self.limit))
        return bool(taken)

    async def keep(self, context: UserExecutionContext) -> None:
        """Renew the lease until cancelled; an outage of Redis is sat out, and the lease restored after it."""
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            key, connection = _key(context.user_id), context.connection_id
            try:
                await self._redis.ask(self._redis.client.eval(_RENEW, 1, key, connection, LEASE_S))
            except (DependencyUnavailable, DependencyRefused) as unavailable:
                log.warning("lease not renewed", reason=unavailable.description)

    async def release(self, context: UserExecutionContext) -> None:
        """Give the lease back. Raises DependencyUnavailable; the lease then runs out by itself."""
        await self._redis.ask(self._redis.client.zrem(_key(context.user_id), context.connection_id))

    async def held(self, user_id: str) -> int:
        """How many leases a user holds, those included that have just run out."""
        return int(await self._redis.ask(self._redis.client.zcard(_key(user_id))))


def _key(user_id: str) -> str:
    return f"{PREFIX}connections:{user_id}"
