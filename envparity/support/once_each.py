"""Something that is worked out once for each key, however many ask for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Generic, TypeVar

from envparity.support.shielded import shielded

__all__ = ["OnceEach"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class OnceEach(Generic[K, V]):
    """Tasks by key. What has failed is tried again by who asks next."""

    def __init__(self) -> None:
        self._tasks: dict[K, asyncio.Task[V]] = {}

    async def once(self, key: K, work: Callable[[], Coroutine[object, object, V]], name: str) -> V:
        """What that comes to: worked out now, or remembered. Who is cancelled while waiting stops nobody else."""
        known = self._tasks.get(key)
        if known is None or (known.done() and not known.cancelled() and known.exception() is not None):
            self._tasks[key] = asyncio.create_task(work(), name=name)
        return await shielded(self._tasks[key])

    @property
    def results(self) -> tuple[V, ...]:
        """What came of those that have come to their end."""
        ended = [task for task in self._tasks.values() if task.done() and not task.cancelled()]
        return tuple(task.result() for task in ended if task.exception() is None)

    async def cancel(self) -> None:
        """Cancel what is under way, and wait for its end."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
