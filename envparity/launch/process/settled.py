"""Work in a thread that is waited for, whatever happens meanwhile: what it makes is then there to be removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from envparity.support.shielded import shielded

__all__ = ["settled"]

T = TypeVar("T")


async def settled(work: Callable[[], T]) -> T:
    """What it gives. Whoever is cancelled meanwhile is so when it has ended, and not before."""
    under_way = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await shielded(under_way)
    except asyncio.CancelledError:
        await asyncio.wait({under_way})
        raise
