"""A replica that is stopped when its clients are gone: which come before, and when it is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from envparity.conversation.resolved import ResolvedScenario
from envparity.engine import stops
from envparity.engine.stops import stop_when_all_are_gone
from envparity.errors import LaunchError
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Drop, Expect, Send, Step
from envparity.observe.record import Replica
from envparity.observe.stopping import StopSeen
from envparity.observe.transcript import Departure, HandshakeAnswered, Transcript

SAID = Send({"type": "ask"})
ASKS = Scenario("asks", steps=(Connect("valid"), SAID, Expect(("answer",)), Close(1000)))
GRACE_S = 8.0


class Replicas:
    """Stands for a stack and a player by a clock of its own: how long each stop takes is told in advance."""

    replica_count = 1

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *takes_s: float, starts: bool = True, lets_in: bool = True
    ) -> None:
        self.takes_s, self.starts, self.lets_in = list(takes_s), starts, lets_in
        self.went: list[tuple[Step, ...]] = []
        self.came: list[int] = []  # how many had come at each stop
        self.now = 0.0
        monkeypatch.setattr(stops, "time", SimpleNamespace(monotonic=lambda: self.now))

    async def stop_replica(self, _index: int) -> None:
        self.came.append(len(self.went))
        self.now += self.takes_s.pop(0)

    async def start_replica(self, index: int) -> None:
        if not self.starts:
            raise LaunchError(f"replica {index} does not start")

    async def until_ready(self, _index: int | None = None) -> None:
        """It is."""

    async def observe_replica(self, index: int) -> Replica:
        return Replica(index, exit_code=0)

    async def scripts(self, _stack: Any, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ResolvedScenario]]:
        return [(scenario, ResolvedScenario({})) for scenario in scenarios]

    async def plays_again(
        self, _stack: Any, scripts: Sequence[tuple[Scenario, ResolvedScenario]]
    ) -> tuple[Transcript, ...]:
        ((scenario, _),) = scripts
        self.went.append(scenario.steps[1:])
        left = None if self.lets_in else Departure(0, "handshake", "101", "503")
        return (Transcript("asks", "g", (HandshakeAnswered(0.0, "a", "accept", 101, replica=0),), left),)


async def seen(replicas: Replicas, *scenarios: Scenario) -> tuple[StopSeen, ...]:
    return await stop_when_all_are_gone(
        cast("Any", replicas), cast("Any", replicas), scenarios or [ASKS], [Transcript("asks", "g")], GRACE_S
    )


async def test_clients_go_in_each_way_and_a_stop_that_is_quick_is_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    replicas = Replicas(monkeypatch, 1.9)
    assert await seen(replicas) == (StopSeen(0, had=True, seconds=1.9, exit_code=0),)
    close, drop = (Close(1000),), (Drop("a"),)
    assert replicas.went == [close, close, drop, drop, (SAID, *drop), (SAID, *drop)]


async def test_one_that_is_slow_is_held_against_one_that_nobody_came_to_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time clients come before it, or none."""
    replicas = Replicas(monkeypatch, 7.0, 0.5, 6.5, 0.6)
    found = await seen(replicas)
    assert [(stop.had, stop.seconds) for stop in found] == [(True, 7.0), (False, 0.5), (True, 6.5), (False, 0.6)]
    assert replicas.came == [6, 6, 12, 12]


async def test_one_that_was_slow_once_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(await seen(Replicas(monkeypatch, 7.0, 0.5, 0.5))) == 3


async def test_what_cannot_be_done_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is let in, nobody can come so, it does not start again."""
    assert await seen(Replicas(monkeypatch, 1.0, lets_in=False)) == ()
    assert await seen(Replicas(monkeypatch, 1.0), Scenario("refused", steps=(Connect("expired"),))) == ()
    assert len(await seen(Replicas(monkeypatch, 7.0, starts=False))) == 1
