"""One TLS context for all connections to Redis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis, SSLConnection

if TYPE_CHECKING:
    from redis.asyncio.connection import RedisSSLContext


def share_tls_context(*clients: Redis) -> None:
    """Have them connect with the context that the first connection of any of them makes.

    To read the system's certificates anew for each takes longer than all else of connecting.
    """
    shared = _Context()
    for client in clients:
        pool = client.connection_pool
        if pool.connection_class is SSLConnection:
            pool.connection_class = _SecuredConnection
            pool.connection_kwargs["shared"] = shared


@dataclass
class _Context:
    made: RedisSSLContext | None = None


class _SecuredConnection(SSLConnection):
    def __init__(self, *, shared: _Context, **options: Any) -> None:
        super().__init__(**options)
        self.ssl_context = shared.made = shared.made or self.ssl_context
