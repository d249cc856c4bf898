"""A replica that is told to stop while it waits for a dependency that says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

import pytest

from envparity.engine import start_stop
from envparity.engine.start_stop import observe_start_stop
from envparity.launch.controls import Disturbable, NetworkControls, ReplicaControls
from envparity.model.case import Boot, Case
from envparity.model.environment import BesideProcess, Environment, Platform
from envparity.observe.disturbed import ConnectionAttempt, OutageSeen
from envparity.observe.record import HttpAnswer, Observation, Replica
from envparity.observe.stopping import StartStopSeen

READY = HttpAnswer("/ready", 200)
AT_ONCE = Environment("local", platform=Platform(stop_grace_s=0.0))
PATIENT = Environment("local", platform=Platform(stop_grace_s=3600.0))


class Starting:
    """Stands for a stack and its observer. The replica ends when it is told to, or once what it waits for is back.

    `tries` are the moments of its attempts to connect, by dependency; `looks` is how it is each time that it is looked
    at, the last for ever.
    """

    case = Case("local", "chat", Boot(silent_start=("postgres", "redis")))

    def __init__(
        self, *looks: Replica, tries: Mapping[str, tuple[ConnectionAttempt, ...]] = MappingProxyType({}), ends: bool
    ) -> None:
        self.tries, self._looks, self._ends = tries, list(looks), ends
        self.replica_count = 2
        self.backend = cast("Any", self)
        self.phases = cast("Any", self)
        self.boot_s = 3600.0
        self.told = False
        self.back: list[str] = []
        self._all_back = asyncio.Event()

    def outages(self, name: str) -> tuple[OutageSeen, ...]:
        return (OutageSeen(1.0, self.tries.get(name, ())),)

    async def observe_replica(self, _index: int) -> Replica:
        return self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]

    async def stop_replica(self, _index: int) -> None:
        self.told = True
        if not self._ends:
            await self._all_back.wait()

    async def restore_dependency(self, name: str) -> None:
        assert self.told
        self.back.append(name)
        if len(self.back) == 2:
            self._all_back.set()

    async def log_mark(self) -> int:
        return 0

    async def logged_between(self, _first: int, _last: int | None = None) -> tuple[tuple[str, ...], ...]:
        return ("last words",), ("of another one",)

    def stopped(self, _stack: object, stop: StartStopSeen | None, _timings: object) -> Observation:
        return Observation(self.case, "fake", "0", start_stop=stop)

    async def _never(self, *_said: object, **_more: object) -> None:
        raise AssertionError("nobody asks for that")

    until_ready = start_replica = cut_dependency = disturb_dependency = readiness = throttle_replica = _never
    jump_clock = restart_all = _never


def attempt(at_s: float, replica: int | None = 0) -> tuple[ConnectionAttempt, ...]:
    return (ConnectionAttempt(at_s, replica),)


async def seen(stack: Starting, environment: Environment = PATIENT) -> StartStopSeen | None:
    for can in (ReplicaControls, Disturbable, NetworkControls):
        assert isinstance(stack, can)
    return (await observe_start_stop(cast("Any", stack), cast("Any", stack), environment)).start_stop


async def test_who_ends_at_once_is_seen_with_what_it_waited_for_first() -> None:
    """Nothing is given back to it, and of the log its own part is kept."""
    stack = Starting(
        Replica(0), Replica(0, exit_code=143), tries={"postgres": attempt(0.5), "redis": attempt(0.2)}, ends=True
    )
    stop = await seen(stack)
    assert stop is not None
    assert (stop.replica, stop.waited_for, stop.exit_code, stop.back_after_s) == (0, "redis", 143, None)
    assert (stop.said, stop.log, stack.back) == ((), ("last words",), [])


async def test_who_goes_on_is_given_what_it_waits_for_and_may_say_that_it_has_started() -> None:
    """All of it, after half of its grace period."""
    stack = Starting(
        Replica(0), Replica(0, ready=READY), Replica(0, exit_code=137), tries={"redis": attempt(0.2)}, ends=False
    )
    stop = await seen(stack, AT_ONCE)
    assert stop is not None
    assert stack.back == ["postgres", "redis"]
    assert stop.back_after_s is not None
    assert (stop.said, stop.was_killed) == (("/ready answers 200",), True)


async def test_what_it_said_before_it_was_told_is_no_going_on() -> None:
    """Some answer 200 for as long as they run."""
    stack = Starting(Replica(0, ready=READY), tries={"redis": attempt(0.2)}, ends=False)
    stop = await seen(stack, AT_ONCE)
    assert stop is not None
    assert stop.said == ()


@pytest.mark.parametrize("look", [Replica(0, exit_code=1), Replica(0, ready=READY)], ids=["ended", "started"])
async def test_who_waits_for_nothing_is_not_stopped(look: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempts of another replica are not its own."""
    monkeypatch.setattr(start_stop, "_NONE_AFTER_S", 0.0)
    stack = Starting(look, tries={"redis": attempt(0.2, replica=1)}, ends=True)
    assert await seen(stack) is None
    assert not stack.told


async def test_who_had_ended_by_then_is_not_told() -> None:
    stack = Starting(Replica(0, exit_code=1), tries={"redis": attempt(0.2)}, ends=True)
    assert await seen(stack) is None
    assert not stack.told


async def test_who_connects_need_not_be_known_where_nobody_else_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """One replica, and no further program beside it."""
    monkeypatch.setattr(start_stop, "_NONE_AFTER_S", 0.0)
    stack = Starting(Replica(0), Replica(0, exit_code=0), tries={"redis": attempt(0.2, replica=None)}, ends=True)
    stack.replica_count = 1
    assert await seen(stack) is not None
    stack = Starting(Replica(0, exit_code=0), tries={"redis": attempt(0.2, replica=None)}, ends=True)
    stack.replica_count = 1
    beside = Environment("local", processes={"worker": BesideProcess(("work",))})
    assert await seen(stack, beside) is None


async def test_what_cannot_be_stopped_is_left_alone() -> None:
    """By a launcher that only looks, say."""
    stack = Starting(Replica(0), ends=True)
    only_seen = cast("Any", type("Seen", (), {"case": Starting.case, "timings": {}})())
    assert (await observe_start_stop(cast("Any", stack), only_seen, PATIENT)).start_stop is None
