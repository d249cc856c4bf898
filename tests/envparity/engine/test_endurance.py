"""One user who comes and goes some thousand times, and what is looked at after each round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from envparity.engine import endurance
from envparity.engine.endurance import endure
from envparity.launch.workers import Workers
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Drop, Expect, Send
from envparity.observe.memory import MemorySeen
from envparity.observe.record import ReplicaUsage
from tests.envparity.engine.visitors import Visitors

ASKS = Scenario(
    "asks", steps=(Connect("valid"), Expect(("welcome",)), Send({"type": "ask"}), Expect(("answer",)), Close(1000))
)


class Replicas(Visitors):
    """Stands for a stack and a player: each visit takes some memory, of processes 10 and 20."""

    replica_count = 2

    def __init__(self, *, breaks_at: int = 10_000, processes: bool = True, worker_gone: bool = False) -> None:
        super().__init__(breaks_at)
        self.processes, self.worker_gone = processes, worker_gone

    async def workers(self, replica: int) -> Workers | None:
        return Workers(frozenset({10 * (replica + 1)}), {}) if self.processes or replica == 0 else None

    async def usage(self, pids: Sequence[int]) -> ReplicaUsage | None:
        return None if self.worker_gone and 20 in pids else ReplicaUsage(9, 1, pids[0] + len(self.went))


async def seen(
    monkeypatch: pytest.MonkeyPatch, replicas: Replicas, collector: str | None = None, scenario: Scenario = ASKS
) -> tuple[MemorySeen, ...]:
    async def of(pid: int) -> str | None:
        return collector if pid == 20 else None

    monkeypatch.setattr(endurance, "_SETTLES_S", 0.0)
    monkeypatch.setattr(endurance, "usage_of", replicas.usage)
    monkeypatch.setattr(endurance, "late_collector", of)
    return await endure(cast("Any", replicas), cast("Any", replicas), [scenario])


async def test_one_user_goes_in_both_ways_and_each_replica_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    replicas = Replicas()
    found = await seen(monkeypatch, replicas)
    visits = [250 * nth for nth in range(1, 8)]
    assert found == tuple(MemorySeen(made, (10 + made, 20 + made)) for made in visits)
    assert replicas.went == [Close(1000), Drop("a")] * 875
    assert len(replicas.users) == 1


@pytest.mark.parametrize(
    "replicas",
    [Replicas(breaks_at=600), Replicas(processes=False), Replicas(worker_gone=True)],
    ids=["a visit goes wrong", "no process is seen", "a worker is gone"],
)
async def test_nothing_is_said_where_it_would_not_be_known(monkeypatch: pytest.MonkeyPatch, replicas: Replicas) -> None:
    assert await seen(monkeypatch, replicas) == ()


async def test_who_collects_late_is_not_visited(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two replicas is enough."""
    replicas = Replicas()
    assert await seen(monkeypatch, replicas, collector="Java") == ()
    assert replicas.went == []


async def test_what_takes_long_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance, "_LONGEST_S", -1.0)
    replicas = Replicas()
    assert await seen(monkeypatch, replicas) == ()
    assert len(replicas.went) == 1


async def test_where_nobody_comes_quietly_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Scenario("refused", steps=(Connect("expired"),))
    assert await seen(monkeypatch, Replicas(), scenario=refused) == ()
