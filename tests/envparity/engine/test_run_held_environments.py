"""Environments that a run holds up until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import ExitStack
from typing import Any

import pytest

from envparity.engine.live_run import LiveRun
from envparity.engine.run import Run
from envparity.errors import (
    ConfigurationError,
    LaunchError,
)
from envparity.model.case import Boot
from tests.envparity.engine.quiet_run import PROJECT, CountingLauncher, ordered_run
from tests.envparity.launching import FakeLauncher, statuses
from tests.envparity.launching import project as orderable

BACKWARD = Boot(order=("settings", "handlers", "tools", "redis", "auth"))


async def test_an_environment_stands_until_it_is_told_to_end() -> None:
    """And boots beside it what nobody planned."""
    launcher = FakeLauncher()
    run = ordered_run(launcher)
    standing = await run.stand("local")
    assert launcher.open == ["local", "local warm"]
    seen = [await standing.observe(BACKWARD), await standing.observe_cold(BACKWARD)]
    assert statuses(seen) == ["pass", "pass"]
    assert [observation.warm for observation in seen] == [True, False]
    await standing.end()
    assert launcher.open == []


async def test_an_environment_may_stand_twice_at_a_time() -> None:
    """What a boot makes is its own: neither stands in the way of the other, and each ends by itself."""
    launcher = FakeLauncher()
    run = ordered_run(launcher)
    first, second = await run.stand("local"), await run.stand("local")
    assert launcher.open.count("local") == 2
    await first.end()
    assert launcher.open.count("local") == 1
    assert statuses([await second.observe(BACKWARD)]) == ["pass"]
    await second.end()
    assert launcher.open == []


async def test_an_environment_that_nobody_knows_cannot_stand() -> None:
    """The message names those that there are."""
    with pytest.raises(ConfigurationError, match="one of local, staging"):
        await ordered_run(FakeLauncher()).stand("moon")


async def test_what_keeps_an_environment_from_standing_is_raised() -> None:
    """To whoever wanted it to."""
    run = Run(PROJECT, CountingLauncher(fails=True), lambda _event: None)
    with pytest.raises(LaunchError, match="no room"):
        await run.stand("local")


@pytest.mark.parametrize("hangs", [False, True])
async def test_closing_takes_down_what_stands(hangs: bool) -> None:
    """However far it had come."""
    launcher: Any = CountingLauncher(hangs=True) if hangs else FakeLauncher()
    run = Run(orderable("local"), launcher, lambda _event: None)
    asking = asyncio.create_task(run.stand("local"))
    if hangs:
        await launcher.hanging.wait()
    else:
        await asking
    await run.close()
    assert not launcher.open
    assert launcher.closed
    await asyncio.gather(asking, return_exceptions=True)


def test_a_plain_function_can_boot_beside_an_environment() -> None:
    """`with live.warm(...)`: gone when the block is left, and the run goes on."""
    launcher = FakeLauncher()
    with LiveRun(lambda: ordered_run(launcher)) as live:
        with live.warm("local") as local:
            assert local.name == "local"
            assert local.observe(BACKWARD).warm
            assert not local.observe_cold(BACKWARD).warm
        assert launcher.open == []
        assert len(live.observe_all()) > 2


def test_an_interrupt_takes_down_what_stands() -> None:
    """Ctrl-C in the middle of a test."""
    launcher = FakeLauncher()
    with pytest.raises(KeyboardInterrupt), LiveRun(lambda: ordered_run(launcher)) as live, live.warm("local"):
        raise KeyboardInterrupt
    assert launcher.open == []
    assert launcher.closed


@pytest.mark.timeout(30)
def test_a_signal_that_another_thread_was_given_ends_a_question_too(request: pytest.FixtureRequest) -> None:
    """The kernel gives a signal to any thread; whoever waits for an answer has to see it all the same."""
    booting = threading.Event()

    def interrupt() -> None:
        booting.wait()
        os.kill(os.getpid(), signal.SIGINT)

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, previous))
    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    launcher = CountingLauncher(hangs=True)
    with LiveRun(lambda: Run(PROJECT, launcher, lambda _event: booting.set())) as live:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        request.addfinalizer(lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask))
        with pytest.raises(KeyboardInterrupt):
            live.observe_all()
    interrupting.join()
    assert launcher.closed


def test_a_run_may_be_closed_before_what_stands_beside_it_is_left() -> None:
    """As when pytest is interrupted: the session's end comes before that of its fixtures."""
    launcher = FakeLauncher()
    with ExitStack() as fixtures:
        with LiveRun(lambda: ordered_run(launcher)) as live:
            fixtures.enter_context(live.warm("local"))
        assert launcher.open == []
