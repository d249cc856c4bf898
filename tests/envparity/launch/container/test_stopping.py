"""The grace period of a container counts the time that the machine has granted, and ends in SIGKILL all the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from envparity.launch.container import stopping
from envparity.launch.container.engine import Engine
from envparity.launch.container.stopping import stop_gracefully
from envparity.support.stalls import STALLS, within


class FakeEngine:
    """Calls in threads, as the real one does."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(4)

    async def call(self, what: str, function: Callable[[], Any], timeout_s: float = 10.0) -> Any:
        del what
        async with asyncio.timeout(timeout_s):
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)


class FakeContainer:
    """One that heeds the signal after `heeds_after_s` seconds, or only SIGKILL."""

    def __init__(self, heeds_after_s: float | None) -> None:
        self._ended = threading.Event()
        self._heeds_after_s = heeds_after_s
        self.killed = False
        self.told: float = 0.0

    def stop(self, timeout: int) -> None:
        self.told = timeout
        self._ended.wait(timeout if self._heeds_after_s is None else self._heeds_after_s)

    def kill(self) -> None:
        self.killed = True
        self._ended.set()


async def stopped(container: FakeContainer, grace_s: float) -> None:
    await stop_gracefully(cast("Engine", FakeEngine()), cast("Any", container), "replica 0", grace_s, 5.0)


async def test_what_heeds_the_signal_is_not_killed() -> None:
    container = FakeContainer(heeds_after_s=0.05)
    await stopped(container, 5.0)
    assert not container.killed


async def test_what_does_not_heed_it_is_killed_when_the_grace_is_over() -> None:
    container = FakeContainer(heeds_after_s=None)
    began = time.monotonic()
    await stopped(container, 0.2)
    assert container.killed
    assert time.monotonic() - began >= 0.2


async def test_a_machine_that_grants_no_time_gives_more_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What heeds the signal after more than its grace is not killed where the machine stood still meanwhile."""
    container = FakeContainer(heeds_after_s=0.3)
    monkeypatch.setattr(STALLS, "stalled_s", STALLS.stalled_s)

    @asynccontextmanager
    async def stalled(grace_s: float) -> AsyncIterator[None]:
        async with within(grace_s):
            STALLS.stalled_s += 10.0  # as soon as the deadline is made
            yield

    monkeypatch.setattr(stopping, "within", stalled)
    await stopped(container, 0.1)
    assert not container.killed


async def test_the_engine_kills_it_by_itself_should_nobody_else_be_there() -> None:
    container = FakeContainer(heeds_after_s=0.0)
    await stopped(container, 2.0)
    assert container.told == 20
