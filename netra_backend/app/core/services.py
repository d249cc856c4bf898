"""What the startup steps have made, found again by its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Service = TypeVar("Service")


class Services:
    """Holds one object of each type, and the ways to close those that must be closed."""

    def __init__(self) -> None:
        self._made: dict[type, object] = {}
        self._closers: list[Callable[[], Awaitable[None]]] = []

    def provide(self, service: Service, close: Callable[[], Awaitable[None]] | None = None) -> Service:
        """Keep what a step has made; `close` is called at shutdown, the last made first."""
        kind = type(service)
        if kind in self._made:
            raise ValueError(f"{kind.__name__} is there already")
        self._made[kind] = service
        if close is not None:
            self._closers.append(close)
        return service

    def of(self, kind: type[Service]) -> Service:
        """Find what an earlier step has made. Raises LookupError when no step has made it."""
        if kind not in self._made:
            raise LookupError(f"no {kind.__name__} has been made yet")
        return cast("Service", self._made[kind])

    async def close(self) -> None:
        """Close everything, the last made first."""
        while self._closers:
            await self._closers.pop()()
