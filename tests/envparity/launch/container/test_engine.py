"""Calls to the engine in threads. No engine is needed: the calls are functions."""

from __future__ import annotations

import asyncio
import gc
import threading
from unittest.mock import Mock

import pytest
from docker.errors import NotFound

from envparity.launch.container import engine as engine_module
from envparity.launch.container.engine import Engine


async def test_nobody_hears_of_what_failed_after_it_was_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted run removes the network of a container that is being started: that it then fails is no news."""
    monkeypatch.setattr(engine_module, "_client", Mock)
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    engine, removed = Engine(), threading.Event()

    def start() -> None:
        removed.wait(5)
        raise NotFound("its network is gone")

    starting = asyncio.create_task(engine.call("a container to start", start))
    await asyncio.sleep(0)  # let it begin
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    removed.set()
    await asyncio.to_thread(engine.settle, 5.0)
    await asyncio.sleep(0)  # let the loop hear of it
    await asyncio.sleep(0)
    del starting
    gc.collect()
    engine.close()
    assert complaints == []
