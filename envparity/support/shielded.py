"""Waits for work that goes on to its end where whoever waits for it is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["shielded"]

T = TypeVar("T")


async def shielded(work: Awaitable[T]) -> T:
    """What that comes to. Who is cancelled meanwhile does not want to know how it ends.

    `asyncio.shield` alone leaves an error that comes later to nobody, of which asyncio complains on stderr.
    """
    under_way = asyncio.ensure_future(work)
    under_way.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return await asyncio.shield(under_way)
