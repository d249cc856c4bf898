"""Several things at the same time, none of them left half made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["together"]

T = TypeVar("T")


async def together(*work: Awaitable[T]) -> list[T]:
    """What each comes to. Where one raises, the others are waited for before that is raised, the first one's first."""
    results = await asyncio.gather(*work, return_exceptions=True)
    come_to: list[T] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        come_to.append(result)
    return come_to
