"""How long this machine kept everybody waiting, and deadlines that count only the time that it granted.

A deadline of a quiet machine is wrong on a busy one: who gets a seventh of a processor needs seven seconds for one.
`STALLS` measures that in the event loop of a run, twenty times a second: what the loop woke up too late, and how
many wanted a processor for each that there is (`procs_running`, proc_stat(5)). A `Deadline` is later by what was
measured meanwhile. Without a measurement a deadline is a plain one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["STALLS", "Deadline", "Granted", "StallMark", "StallMeter", "Stalls", "processors", "within"]

_EVERY_S = 0.05
_LEAST_LAG_S = 0.01  # less than that is how exact a timer is
_LEAST_MEASURED_S = 0.5  # ten samples
_LONGEST = 10.0  # no deadline takes longer than that many times its own length
_TOO_GREAT_SHARE, _TOO_GREAT_LAG_S = 0.9, 5.0
_LEAST_TOO_GREAT_S = 2.0  # what was over in less time has come to no deadline
_STAT, _PRESSURE = Path("/proc/stat"), Path("/proc/pressure/cpu")


class Stalls(msgspec.Struct, frozen=True):
    """What was measured during one boot, in seconds.

    `stalled_s` of `seconds` somebody had to wait for a processor, as a share of what was wanted; `longest_lag_s` is the
    latest that the harness itself woke up; `pressure_s` is the kernel's own figure (pressure stall information, the
    time in which anybody waited for a processor), None where it has none.
    """

    seconds: float
    stalled_s: float
    longest_lag_s: float
    pressure_s: float | None = None

    @classmethod
    def of_all(cls, several: Iterable[Stalls]) -> Stalls:
        """What was measured in several boots, which may have been on several machines."""
        known = tuple(several)
        pressures = [stalls.pressure_s for stalls in known if stalls.pressure_s is not None]
        return cls(
            sum(stalls.seconds for stalls in known),
            sum(stalls.stalled_s for stalls in known),
            max((stalls.longest_lag_s for stalls in known), default=0.0),
            sum(pressures) if pressures else None,
        )

    @property
    def share(self) -> float:
        """Which part of what was wanted was not granted, 0 to 1; of less than half a second nobody can say: 0."""
        return min(1.0, self.stalled_s / self.seconds) if self.seconds >= _LEAST_MEASURED_S else 0.0

    @property
    def too_great(self) -> bool:
        """Whether nothing can be said of a backend's own speed on such a machine."""
        starved = self.share > _TOO_GREAT_SHARE and self.seconds >= _LEAST_TOO_GREAT_S
        return starved or self.longest_lag_s > _TOO_GREAT_LAG_S

    def __str__(self) -> str:
        pressure = "" if self.pressure_s is None else f", processor pressure {self.pressure_s:.1f} s"
        return (
            f"{self.share:.0%} of {self.seconds:.1f} s stalled, the harness woke up to {self.longest_lag_s:.2f} s late"
            f"{pressure}"
        )


class Granted(msgspec.Struct, frozen=True):
    """What a stack's replicas had of the processors, as their control groups count it (cpu.stat, cgroups(7)).

    `used_s` is what they have computed; in `throttled` of `periods` they had used up their platform's limit, and waited
    for `throttled_s` seconds in all.
    """

    used_s: float = 0.0
    periods: int = 0
    throttled: int = 0
    throttled_s: float = 0.0

    def __add__(self, other: Granted) -> Granted:
        return Granted(
            round(self.used_s + other.used_s, 3),
            self.periods + other.periods,
            self.throttled + other.throttled,
            round(self.throttled_s + other.throttled_s, 3),
        )

    def __str__(self) -> str:
        used = f"replicas computed for {self.used_s:.1f} s"
        if not self.periods:
            return used
        return f"{used}, throttled for {self.throttled_s:.1f} s ({self.throttled} of {self.periods} periods)"


class StallMark(msgspec.Struct, frozen=True):
    """A moment of the meter, from which to measure."""

    at_s: float
    stalled_s: float
    pressure_s: float | None
    samples: int


class StallMeter:
    """Adds up stalls while somebody is in `measuring`. `clock` gives seconds, `running` how many want a processor."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        running: Callable[[], int | None] | None = None,
        pressure: Callable[[], float | None] | None = None,
        cores: int | None = None,
    ) -> None:
        self._clock, self._running, self._pressure = clock, running or _running, pressure or _pressure
        self._cores = cores or processors()
        self.stalled_s = 0.0
        self._lags: list[tuple[int, float]] = []  # sample's number, seconds; those above the least
        self._samples = 0
        self._watchers = 0
        self._task: asyncio.Task[None] | None = None

    def sample(self, took_s: float, asked_s: float) -> None:
        """A sleep of `asked_s` seconds took `took_s`: what of that was a stall."""
        lag_s = took_s - asked_s
        running = self._running() or 0
        queue = max(0.0, 1.0 - self._cores / running) if running else 0.0
        stalled_s = queue * took_s
        self._samples += 1
        if lag_s > _LEAST_LAG_S:
            stalled_s = max(stalled_s, lag_s)
            self._lags.append((self._samples, lag_s))
        self.stalled_s += stalled_s

    def now(self) -> float:
        return self._clock()

    def mark(self) -> StallMark:
        return StallMark(self._clock(), self.stalled_s, self._pressure(), self._samples)

    def since(self, mark: StallMark) -> Stalls:
        """What was measured since then."""
        lags = [lag_s for number, lag_s in self._lags if number > mark.samples]
        pressure_s = self._pressure()
        return Stalls(
            seconds=round(self._clock() - mark.at_s, 3),
            stalled_s=round(self.stalled_s - mark.stalled_s, 3),
            longest_lag_s=round(max(lags, default=0.0), 3),
            pressure_s=None
            if pressure_s is None or mark.pressure_s is None
            else round(pressure_s - mark.pressure_s, 3),
        )

    @asynccontextmanager
    async def measuring(self) -> AsyncIterator[None]:
        """Measure in this event loop as long as this lasts; once, however many ask for it."""
        self.start()
        try:
            yield
        finally:
            await self.stop()

    def start(self) -> None:
        """Begin to measure in the running event loop, or go on."""
        self._watchers += 1
        if self._task is None or self._task.done() or self._task.get_loop().is_closed():
            self._task = asyncio.create_task(self._watch(), name="stalls")

    async def stop(self) -> None:
        """End what `start` began, when the last has asked for it."""
        self._watchers -= 1
        if self._watchers == 0 and self._task is not None:
            task, self._task = self._task, None
            if task.get_loop() is not asyncio.get_running_loop():
                return  # it ended with its loop
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _watch(self) -> None:
        while True:
            began = self._clock()
            await asyncio.sleep(_EVERY_S)
            self.sample(self._clock() - began, _EVERY_S)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _running() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        for line in _STAT.read_text(encoding="ascii").splitlines():
            if line.startswith("procs_running "):
                return int(line.split()[1])
    return None


def _pressure() -> float | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_PRESSURE.read_text(encoding="ascii").splitlines()[0].rpartition("total=")[2]) / 1e6
    return None


STALLS: Final = StallMeter()
"""The meter of this process: there is one machine."""


class Deadline:
    """`timeout_s` seconds from now, and later by what `meter` says that the machine was stalled since then."""

    def __init__(self, timeout_s: float, meter: StallMeter = STALLS) -> None:
        self.timeout_s, self._meter = timeout_s, meter
        self._began, self._stalled_s = meter.now(), meter.stalled_s

    @property
    def left_s(self) -> float:
        """Seconds until it has passed, if nothing stalls any more; 0 or less when it has."""
        took_s = self._meter.now() - self._began
        granted_s = took_s - (self._meter.stalled_s - self._stalled_s)
        return min(self.timeout_s - granted_s, self.timeout_s * _LONGEST - took_s)

    @property
    def passed(self) -> bool:
        return self.left_s <= 0


@asynccontextmanager
async def within(limit: float | Deadline, meter: StallMeter = STALLS) -> AsyncIterator[None]:
    """`asyncio.timeout` with a `Deadline`, of so many seconds from now or one that has begun before.

    Raises `TimeoutError` when it has passed.
    """
    deadline = limit if isinstance(limit, Deadline) else Deadline(limit, meter)
    loop = asyncio.get_running_loop()
    looks: list[asyncio.TimerHandle] = []
    async with asyncio.timeout(None) as timeout:

        def look() -> None:
            left_s = deadline.left_s
            if left_s > 0:
                looks[:] = [loop.call_later(left_s, look)]
            else:
                timeout.reschedule(loop.time())

        looks[:] = [loop.call_later(max(deadline.left_s, 0), look)]
        try:
            yield
        finally:
            looks[0].cancel()
