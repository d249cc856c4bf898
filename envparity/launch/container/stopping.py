"""Stopping a container as its platform would: the signal to stop, and SIGKILL once the grace period is over."""

from __future__ import annotations

import asyncio
import math

from docker.models.containers import Container

from envparity.launch.container.engine import Engine
from envparity.support.shielded import shielded
from envparity.support.stalls import within

__all__ = ["stop_gracefully"]

_BY_THE_ENGINE = 10.0  # times the grace period: then the engine itself kills it, whoever is there to do it before


async def stop_gracefully(engine: Engine, container: Container, what: str, grace_s: float, ended_s: float) -> None:
    """The signal that its image asks for, and SIGKILL after `grace_s` seconds that the machine has granted.

    The engine counts the seconds of the clock, and on a busy machine kills what had no time to end. Raises
    `DeadlineExceeded` where it has not ended `ended_s` seconds after SIGKILL, `LaunchError` where the engine refuses.
    """
    longest_s = grace_s * _BY_THE_ENGINE
    stopping = asyncio.ensure_future(
        engine.call(f"{what} to stop", lambda: container.stop(timeout=math.ceil(longest_s)), longest_s + ended_s)
    )
    try:
        try:
            async with within(grace_s):
                await shielded(stopping)
        except TimeoutError:
            if not stopping.done():
                await engine.call(f"{what} to be killed", container.kill, ended_s)
            async with asyncio.timeout(ended_s):
                await stopping
    except asyncio.CancelledError:
        stopping.cancel()
        raise
