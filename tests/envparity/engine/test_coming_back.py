"""A user who comes back: what is played then, for whom, beside whom, and on which replica."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from envparity.conversation.resolved import ResolvedScenario
from envparity.engine import coming_back
from envparity.engine.coming_back import CameBack, come_back, comes_back
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Expect, ExpectClose, Http, JumpClock, Silence, Step
from envparity.observe.record import Replica, StartupReport
from envparity.observe.transcript import Departure, DepartureKind, HandshakeAnswered, Transcript

ASK = Scenario("ask", steps=(Connect("valid"),))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is away for long."""
    monkeypatch.setattr(coming_back, "_AWAY_S", (0.0, 0.0))


class Users:
    """Stands for an observer: the first plays keep to the script, the second ones go as they are told, one by one."""

    def __init__(self, *second: DepartureKind | None) -> None:
        self._second = list(second)
        self.made = 0
        self.scripts: list[ResolvedScenario] = []

    async def first_plays(
        self, _stack: Any, scenarios: Sequence[Scenario]
    ) -> list[tuple[Scenario, ResolvedScenario, Transcript]]:
        self.made += len(scenarios)
        return [
            (scenario, ResolvedScenario({}, values={"user": str(self.made)}), _play(scenario.name, 0))
            for scenario in scenarios
        ]

    async def plays_again(
        self, _stack: Any, scripts: Sequence[tuple[Scenario, ResolvedScenario]]
    ) -> tuple[Transcript, ...]:
        self.scripts += [script for _, script in scripts]
        replica = len(self.scripts) % 2
        return tuple(_play(scenario.name, replica, self._second.pop(0)) for scenario, _ in scripts)


def _play(name: str, replica: int, left: DepartureKind | None = None) -> Transcript:
    answer = HandshakeAnswered(0.0, "a", "accept", 101, replica=replica)
    return Transcript(name, "g", (answer,), Departure(0, left, "x", "y") if left else None)


async def played(
    users: Users, replicas: int = 1, *, alone: bool = False, affinity: str = "none", scenario: Scenario = ASK
) -> CameBack:
    stack = SimpleNamespace(replica_count=replicas, endpoint=SimpleNamespace(affinity=affinity))
    return await come_back(cast("Any", users), cast("Any", stack), [scenario], alone=alone)


async def test_who_comes_back_is_the_same_and_another_asks_at_the_same_time() -> None:
    users = Users(None)
    back = await played(users)
    assert (users.made, len(back.others), [second_play.elsewhere for second_play in back.second]) == (2, 2, [False])
    assert [script.values["user"] for script in users.scripts] == ["1"]


async def test_nobody_asks_beside_what_is_to_be_alone() -> None:
    users = Users(None)
    await played(users, alone=True)
    assert users.made == 1


async def test_on_two_replicas_it_is_the_other_and_then_the_first_again() -> None:
    users = Users(None, None)
    back = await played(users, replicas=2)
    assert [second_play.elsewhere for second_play in back.second] == [True, False]
    assert [script.elsewhere_than for script in users.scripts] == [{"a": 0}, {"a": 1}]


@pytest.mark.parametrize("affinity", ["address", "cookie"])
async def test_where_the_ingress_chooses_the_replica_there_is_no_other(affinity: str) -> None:
    users = Users(None)
    back = await played(users, replicas=2, affinity=affinity)
    assert [second_play.elsewhere for second_play in back.second] == [False]
    assert users.scripts[0].elsewhere_than == {}


@pytest.mark.parametrize(("left", "users_needed"), [(None, 2), ("frame", 2), ("timeout", 4), ("handshake", 4)])
async def test_who_is_refused_or_waits_in_vain_is_followed_by_one_more(
    left: DepartureKind | None, users_needed: int
) -> None:
    """Another answer is what it is; a refusal may be what the first time has left behind for a moment."""
    users = Users(left, None)
    await played(users)
    assert users.made == users_needed


async def test_what_is_to_be_as_the_first_time_is_tried_by_who_was_away_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever it was that came instead; each play says how long its user was away."""
    monkeypatch.setattr(coming_back, "_AWAY_S", (0.0, 0.001))
    back = await played(Users("frame", None), scenario=Scenario("ask", steps=(Connect("valid"),), second="same"))
    assert [second_play.away_s for second_play in back.second] == [0.0, 0.001]


def test_what_waits_for_long_disturbs_or_lets_nobody_in_comes_back_in_a_thorough_run() -> None:
    """What is never to be played again, or did not keep to its script, in none."""
    scenarios = [
        ASK,
        Scenario("refused", steps=(Connect("expired"), Expect(("error",)), ExpectClose(1008))),
        Scenario("silent", steps=(Connect("valid"), Silence(10.0))),
        Scenario("slow", steps=(Connect("valid"), Expect(("late",), within_s=9))),
        Scenario("restarting", disruptive=True),
        Scenario("once", second="never"),
        Scenario("later", steps=(Connect("valid"), JumpClock("a", 3600.0))),
        Scenario("starting", part="starting"),
        Scenario("broken"),
        Scenario("unplayed"),
    ]
    plays = [_play(scenario.name, 0, "close" if scenario.name == "broken" else None) for scenario in scenarios[:-1]]
    assert [scenario.name for scenario in comes_back(scenarios, plays, thorough=False)] == ["ask"]
    names = [scenario.name for scenario in comes_back(scenarios, plays, thorough=True)]
    assert names == ["ask", "refused", "silent", "slow", "restarting"]


async def test_each_round_is_told_once_its_connections_are_closed() -> None:
    """The first plays; then those of who came back with those beside them; then the way back."""
    rounds: list[int] = []

    async def seen(played: Sequence[Transcript]) -> None:
        rounds.append(len(played))

    stack = SimpleNamespace(replica_count=2, endpoint=SimpleNamespace(affinity="none"))
    await come_back(cast("Any", Users(None, None)), cast("Any", stack), [ASK], seen=seen)
    assert rounds == [1, 2, 1]


@pytest.mark.parametrize(
    ("replica", "started"),
    [
        (Replica(1), True),
        (Replica(1, startup=StartupReport("pass")), True),
        (Replica(1, startup=StartupReport("fail")), False),
        (Replica(1, exit_code=1), False),
        (Replica(1, undecided_after_s=30.0), False),
    ],
)
def test_nobody_comes_back_to_a_replica_that_has_not_started(replica: Replica, started: bool) -> None:
    """To look for it among those that answer takes until a deadline."""
    assert all(replica.has_started for replica in (Replica(0), replica)) is started


@pytest.mark.parametrize(
    ("steps", "nobody"),
    [
        ((Connect("valid", status=403),), True),
        ((Connect("none"), ExpectClose(1008)), True),
        ((Connect("expired"), Expect(("error",)), ExpectClose(1008)), True),
        ((Connect("valid"), Expect(("hello", "error")), ExpectClose(1008)), False),
        ((Connect("valid"), Expect(("hello",)), Close(1000)), False),
        ((Connect("expired"), ExpectClose(1008), Connect("valid", on="b"), Close(1000, on="b")), False),
        ((Http("POST /login", status=200), Connect("expired"), ExpectClose(1008)), False),
        ((), False),
    ],
)
def test_who_hears_nothing_but_the_reason_is_not_let_in(steps: tuple[Step, ...], nobody: bool) -> None:
    """Whoever says goodbye was let in, and whoever asked over HTTP before may have left something behind."""
    assert Scenario("s", steps=steps).lets_nobody_in is nobody
