"""One user who comes and goes some thousand times, and what is looked at after each round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from envparity.conversation.resolved import ResolvedScenario
from envparity.engine import endurance
from envparity.engine.endurance import endure
from envparity.judge.memory import goes_on
from envparity.launch.workers import Workers
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Drop, Expect, Send
from envparity.observe.memory import MemorySeen
from envparity.observe.transcript import Transcript
from envparity.observe.usage import ReplicaUsage
from tests.envparity.engine.visitors import BROKEN, Visitors

ASKS = Scenario(
    "asks", steps=(Connect("valid"), Expect(("welcome",)), Send({"type": "ask"}), Expect(("answer",)), Close(1000))
)
MORE = (
    Scenario("once", steps=(*ASKS.steps[:-1], Send({"type": "more"}), Expect(("answer",)), Close(1000))),
    Scenario("unplayed", steps=(*ASKS.steps[:-1], *(Send({"type": "most"}), Expect(("answer",))) * 2)),
)


class Replicas(Visitors):
    """Stands for a stack and a player: each visit takes some memory, of processes 10 and 20.

    A user of the scenario `once` may have one conversation of it. After `fills` visits none takes more.
    """

    replica_count = 2

    def __init__(
        self, *, breaks_at: int = 10_000, processes: bool = True, worker_gone: bool = False, fills: int = 1_000
    ) -> None:
        super().__init__(breaks_at)
        self.fills = fills
        self.processes, self.worker_gone = processes, worker_gone
        self.talks: list[tuple[str, str]] = []
        self.made = 0

    async def of_users(self, _stack: Any, scenario: Scenario, users: Sequence[str]) -> tuple[Transcript, ...]:
        said = []
        for user in users:
            again = scenario.name == "once" and (scenario.name, user) in self.talks
            self.talks.append((scenario.name, user))
            said.append(Transcript(scenario.name, "g", departure=BROKEN if again else None))
        return tuple(said)

    async def workers(self, replica: int) -> Workers | None:
        return Workers(frozenset({10 * (replica + 1)}), {}) if self.processes or replica == 0 else None

    async def scripts(self, _stack: Any, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ResolvedScenario]]:
        self.made += len(scenarios)
        return [
            (each, ResolvedScenario({}, values={"user": f"u{self.made}-{at}"})) for at, each in enumerate(scenarios)
        ]

    async def usage(self, pids: Sequence[int]) -> ReplicaUsage | None:
        return (
            None if self.worker_gone and 20 in pids else ReplicaUsage(9, 1, pids[0] + min(len(self.went), self.fills))
        )


async def seen(
    monkeypatch: pytest.MonkeyPatch,
    replicas: Replicas,
    collector: str | None = None,
    scenarios: Sequence[Scenario] = (ASKS,),
    played: Sequence[Transcript] = (),
) -> tuple[MemorySeen, ...]:
    async def of(pid: int) -> str | None:
        return collector if pid == 20 else None

    monkeypatch.setattr(endurance, "_SETTLES_S", 0.0)
    monkeypatch.setattr(endurance, "usage_of", replicas.usage)
    monkeypatch.setattr(endurance, "late_collector", of)
    return await endure(cast("Any", replicas), cast("Any", replicas), scenarios, played)


async def test_one_user_goes_in_both_ways_and_each_replica_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    replicas = Replicas()
    found = await seen(monkeypatch, replicas)
    visits = [250 * nth for nth in range(1, 8)]
    assert found == tuple(MemorySeen(made, (10 + min(made, 1_000), 20 + min(made, 1_000))) for made in visits)
    assert replicas.went == [Close(1000), Drop("a")] * 875
    assert len(replicas.users) == 1


@pytest.mark.parametrize(("fills", "goes"), [(10_000, True), (2_000, False)])
async def test_what_seems_to_grow_is_looked_at_for_as_long_again(
    fills: int, goes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An allocator takes much at a time, which is filled after some hundred visits more; a leak goes on."""
    found = await seen(monkeypatch, Replicas(fills=fills))
    assert [each.times for each in found] == [250 * nth for nth in range(1, 15)]
    assert goes_on(found) is goes


async def test_where_a_visit_goes_wrong_meanwhile_what_was_seen_before_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = await seen(monkeypatch, Replicas(fills=10_000, breaks_at=2_000))
    assert len(found) == 7
    assert goes_on(found)


@pytest.mark.parametrize(
    "replicas",
    [Replicas(breaks_at=600), Replicas(processes=False), Replicas(worker_gone=True)],
    ids=["a visit goes wrong", "no process is seen", "a worker is gone"],
)
async def test_nothing_is_said_where_it_would_not_be_known(monkeypatch: pytest.MonkeyPatch, replicas: Replicas) -> None:
    assert await seen(monkeypatch, replicas) == ()


async def test_some_users_have_conversations_of_what_they_can_say_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest whose script does not depend on what its user has said before, of those that went well."""
    replicas = Replicas()
    played = [Transcript(name, "g") for name in ("once", "asks")]
    found = [
        looked
        for looked in await seen(monkeypatch, replicas, scenarios=[*MORE, ASKS], played=played)
        if looked.scenario
    ]
    assert {looked.scenario for looked in found} == {"asks"}
    assert [looked.times for looked in found] == [150 * nth for nth in range(1, 8)]
    users = [user for name, user in replicas.talks if name == "asks"][2:]
    assert len(users) == 1050
    assert len({*users}) == 50
    assert [name for name, _ in replicas.talks][:2] == ["once", "once"]


async def test_who_collects_late_is_not_visited(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two replicas is enough."""
    replicas = Replicas()
    assert await seen(monkeypatch, replicas, collector="Java") == ()
    assert replicas.went == []


async def test_what_takes_long_is_not_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance, "_LONGEST_S", -1.0)
    replicas = Replicas()
    assert await seen(monkeypatch, replicas) == ()
    assert len(replicas.went) <= 1


async def test_where_nobody_comes_quietly_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Scenario("refused", steps=(Connect("expired"),))
    assert await seen(monkeypatch, Replicas(), scenarios=[refused]) == ()
