"""Connections to Redis share one TLS context; each link has its own."""

from __future__ import annotations

import pytest
from redis.asyncio import Connection, Redis, SSLConnection

from netra_backend.app.cache.redis_link import RedisLink


def connection(client: Redis) -> Connection:
    """One more, which connects to nobody."""
    made = client.connection_pool.make_connection()  # type: ignore[no-untyped-call]
    assert isinstance(made, Connection)
    return made


def test_all_connections_of_a_link_have_one_context() -> None:
    """As the address asks for it, and not that of another address."""
    link, other = RedisLink("rediss://localhost:1/0"), RedisLink("rediss://localhost:1/0?ssl_cert_reqs=none")
    several = [connection(client) for client in (link.client, link.client, link.subscriber, other.client)]
    contexts = [made.ssl_context for made in several if isinstance(made, SSLConnection)]
    assert [context is contexts[0] for context in contexts] == [True, True, True, False]


@pytest.mark.parametrize(("scheme", "secured"), [("redis", False), ("rediss", True)])
def test_what_is_asked_for_is_what_there_is(scheme: str, secured: bool) -> None:
    link = RedisLink(f"{scheme}://localhost:1/0")
    assert (link.tls_in_use, isinstance(connection(link.client), SSLConnection)) == (secured, secured)
