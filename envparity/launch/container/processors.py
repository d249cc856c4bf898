"""How much of the processors a container has: what the engine counts, and less of it for a while."""

from __future__ import annotations

import asyncio
import os
from typing import Final

from docker.models.containers import Container

from envparity.launch.container.engine import Engine
from envparity.support.stalls import Granted

__all__ = ["granted_to", "throttled"]

_COUNTED_S: Final = 5.0
_NANOSECONDS: Final = 1e9


async def granted_to(engine: Engine, container: Container) -> Granted:
    """What that container was given so far, and what its limit kept from it."""

    def counted() -> Granted:
        stats = engine.client.api.stats(str(container.id), stream=False, one_shot=True)["cpu_stats"]
        limited = stats.get("throttling_data", {})
        return Granted(
            stats.get("cpu_usage", {}).get("total_usage", 0) / _NANOSECONDS,
            limited.get("periods", 0),
            limited.get("throttled_periods", 0),
            limited.get("throttled_time", 0) / _NANOSECONDS,
        )

    return await engine.call("what a replica had of the processors", counted, _COUNTED_S)


async def throttled(engine: Engine, container: Container, own: float | None, share: float, for_s: float) -> None:
    """Give it that share of its `own` processors for so long (of all where it has no limit), and then what it had."""
    whole = own if own is not None else float(os.cpu_count() or 1)
    await _give(engine, container, whole * share)
    try:
        await asyncio.sleep(for_s)
    finally:
        await _give(engine, container, whole)


async def _give(engine: Engine, container: Container, processors: float) -> None:
    """Have that container have no more than so many processors from now on."""

    def update() -> None:
        api = engine.client.api
        url = f"{api.base_url}/v{api.api_version}/containers/{container.id}/update"
        api.post(url, json={"NanoCpus": int(processors * _NANOSECONDS)}).raise_for_status()

    await engine.call("the processors of a replica to be limited", update)
