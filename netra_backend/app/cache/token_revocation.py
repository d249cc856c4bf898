"""Revoked tokens: the key `netra:revoked:<jti>` is there, with an expiry not before the token's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netra_backend.app.cache.redis_link import PREFIX

if TYPE_CHECKING:
    from netra_backend.app.cache.redis_link import RedisLink


class TokenRevocation:
    """Knows which tokens were taken back before they expired."""

    def __init__(self, redis: RedisLink) -> None:
        self._redis = redis

    async def is_revoked(self, jti: str) -> bool:
        """Whether this token id was revoked. Raises DependencyUnavailable: not knowing is not a no."""
        return bool(await self._redis.ask(self._redis.client.exists(f"{PREFIX}revoked:{jti}")))
