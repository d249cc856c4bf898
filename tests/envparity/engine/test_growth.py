"""When what replicas hold is looked at again: what is still being closed is waited for, and what stays is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from envparity.engine import growth
from envparity.engine.growth import Growth
from envparity.launch.workers import Workers
from envparity.observe.label_values import present
from envparity.observe.transcript import HandshakeAnswered, Transcript
from envparity.observe.usage import ReplicaUsage


class Replica:
    """Stands for a stack of one replica whose gauge says so much each time that it is asked, and goes on to say it."""

    replica_count = 1

    def __init__(self, *says: int) -> None:
        self.says = list(says)
        self.asked = 0

    async def workers(self, _replica: int) -> Workers:
        return Workers(frozenset({7}), {})

    async def metrics(self, _replica: int) -> str:
        self.asked += 1
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        return f"# TYPE running_tasks gauge\nrunning_tasks {said}\n"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def held(_pids: Sequence[int]) -> ReplicaUsage:
        return ReplicaUsage(9, 1, 90_000)

    monkeypatch.setattr(growth, "_BETWEEN_LOOKS_S", 0.0)
    monkeypatch.setattr(growth, "usage_of", held)


def connected(times: int) -> list[Transcript]:
    answered = HandshakeAnswered(0.1, "a", "accept", status=101, subprotocol=None, replica=0)
    return [Transcript("hello", "usual", events=(answered,))] * times


async def looked(replica: Replica) -> list[float]:
    """What the gauge said at both points, between which there were twenty connections."""
    seen = Growth(cast("Any", replica))
    await seen.look()
    await seen.look(connected(20))
    return [there["running_tasks"] for usage in seen.points for there in usage.present]


async def test_tasks_that_are_still_ending_are_waited_for() -> None:
    assert await looked(Replica(3, 40, 22, 5)) == [3, 5]


async def test_tasks_that_stay_are_told() -> None:
    replica = Replica(3, 24)
    assert await looked(replica) == [3, 24]
    assert replica.asked > 10


async def test_each_page_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a gauge has grown and what is kept of it are one reading: a page may be a megabyte."""
    read: list[str] = []

    def reading(page: str) -> dict[str, float]:
        read.append(page)
        return present(page)

    monkeypatch.setattr(growth, "present", reading)
    replica = Replica(3, 40, 22, 5)
    await looked(replica)
    assert len(read) == replica.asked == 4


async def test_a_few_more_are_not_asked_about_again() -> None:
    """Pools have tasks of their own, and no run waits for these."""
    replica = Replica(3, 6)
    assert await looked(replica) == [3, 6]
    assert replica.asked == 2
