"""A pace that cannot hurt."""

from __future__ import annotations

import asyncio

from envparity.launch.attached.pace import Pace


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.now_s += seconds


async def test_turns_are_evenly_spaced() -> None:
    """Thirty a minute: the first at once, then one every two seconds."""
    clock = Clock()
    pace = Pace(30, lambda: clock.now_s, clock.sleep)
    at = []
    for _ in range(4):
        await pace.turn()
        at.append(clock.now_s)
    assert at == [0, 2, 4, 6]


async def test_who_comes_late_does_not_wait_and_saves_nothing_up() -> None:
    """An idle minute is no licence for thirty at once."""
    clock = Clock()
    pace = Pace(30, lambda: clock.now_s, clock.sleep)
    clock.now_s = 100
    await pace.turn()
    await pace.turn()
    assert clock.slept == [2]


async def test_several_who_ask_at_once_get_turns_one_after_the_other() -> None:
    """Nobody shares a turn."""
    clock = Clock()
    pace = Pace(60, lambda: clock.now_s, clock.sleep)
    await asyncio.gather(*(pace.turn() for _ in range(3)))
    assert clock.slept == [1, 2]


async def test_without_a_limit_nobody_waits() -> None:
    """Where something else keeps the pace."""
    clock = Clock()
    pace = Pace(None, lambda: clock.now_s, clock.sleep)
    for _ in range(3):
        await pace.turn()
    assert clock.slept == []
