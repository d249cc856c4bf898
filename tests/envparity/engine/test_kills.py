"""A replica that is killed and started again."""

from __future__ import annotations

from typing import Any, cast

from envparity.engine.kills import kill_and_start
from envparity.errors import LaunchError
from envparity.observe.record import Replica
from envparity.observe.stopping import KillSeen


class Killable:
    """Stands for a stack. After each start of the killed replica it runs and is ready (True), or has ended so."""

    def __init__(self, *ends: int | None, code: int | None = None, ready: bool = True) -> None:
        self.ends, self.code, self.ready = list(ends), code, ready
        self.killed = False

    async def until_ready(self, _index: int | None = None) -> None:
        if not self.ready:
            raise LaunchError("not ready")

    async def stop_replica(self, _index: int) -> None:
        raise AssertionError("nobody asks for that")

    async def kill_replica(self, _index: int) -> None:
        assert self.code is None
        self.killed, self.code = True, 137

    async def start_replica(self, _index: int) -> None:
        assert self.code is not None
        self.code = self.ends.pop(0) if self.killed else None
        if self.code is not None or not self.ready:
            raise LaunchError("it is not ready")

    async def observe_replica(self, index: int) -> Replica:
        return Replica(index, exit_code=self.code)

    async def log_mark(self) -> bool:
        return self.killed

    async def logged_between(self, first: bool, _last: bool | None = None) -> tuple[tuple[str, ...], ...]:
        assert not first
        return (("last words",),)


async def seen(stack: object) -> KillSeen | None:
    return await kill_and_start(cast("Any", stack))


async def test_who_comes_back_is_started_once() -> None:
    assert await seen(Killable(None)) == KillSeen(0, back=True, starts=1)


async def test_who_cleans_up_and_ends_is_started_again() -> None:
    assert await seen(Killable(1, None)) == KillSeen(0, back=True, starts=2)


async def test_who_ends_each_time_is_started_three_times() -> None:
    expected = KillSeen(0, back=False, starts=3, exit_code=3, log=("last words",))
    assert await seen(Killable(3, 3, 3, None)) == expected


async def test_who_was_stopped_is_started_before_it_is_killed() -> None:
    stack = Killable(None, code=0)
    found = await seen(stack)
    assert found is not None
    assert found.back


async def test_who_was_not_ready_before_is_not_killed() -> None:
    """What is wrong with it is told elsewhere."""
    stack = Killable(None, ready=False)
    assert await seen(stack) is None
    assert not stack.killed


async def test_what_cannot_be_killed_is_left_alone() -> None:
    assert await seen(object()) is None
