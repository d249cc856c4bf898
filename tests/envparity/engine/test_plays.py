"""How often a scenario is played in one boot, and which of its plays is judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest

from envparity.engine.plays import MOST_PLAYS, MOST_PLAYS_OF_WORKERS, play_again, repeated
from envparity.launch.workers import Workers
from envparity.model.scenario import Scenario
from envparity.model.step import Connect
from envparity.observe.frame import JsonFrame
from envparity.observe.plays import in_order_of_interest
from envparity.observe.transcript import Departure, FrameReceived, Transcript

LEFT = Departure(0, "timeout", "alert", "nothing")
ALONE = Scenario("alone", steps=(Connect("none"),))
TWO = Scenario("two", steps=(Connect("none"), Connect("none", on="b")))


class Playing:
    """Stands for an observer: gives the outcomes that are scripted for a scenario, then the last of them again."""

    def __init__(self, took_s: float = 0.01, **outcomes: str) -> None:
        self._took_s, self._outcomes = took_s, {name: iter(several) for name, several in outcomes.items()}
        self.played: list[str] = []

    def _play(self, scenarios: Sequence[Scenario], *, disruptive: bool) -> Iterator[Transcript]:
        for scenario in scenarios:
            if scenario.disruptive is disruptive:
                self.played.append(scenario.name)
                departed = next(self._outcomes[scenario.name], ".") == "x"
                yield Transcript(scenario.name, "g", departure=LEFT if departed else None, duration_s=self._took_s)

    async def peaceful(self, _stack: Any, scenarios: Sequence[Scenario], *, again: bool) -> tuple[Transcript, ...]:
        assert again
        return tuple(self._play(scenarios, disruptive=False))

    async def disruptive(self, _stack: Any, scenarios: Sequence[Scenario], *, again: bool) -> tuple[Transcript, ...]:
        assert again
        return tuple(self._play(scenarios, disruptive=True))


class SharedPort:
    """Stands for a stack of one replica, whose worker processes can be seen."""

    replica_count = 1

    def __init__(self, workers: int) -> None:
        self._workers = Workers(frozenset(range(workers)), {})

    async def workers(self, _replica: int) -> Workers:
        return self._workers


async def plays_of(scenario: Scenario, outcomes: str, took_s: float = 0.01, stack: object = None) -> int:
    """How often it is played altogether, where its plays go like that: `x` leaves its script."""
    first = Transcript(scenario.name, "g", departure=LEFT if outcomes[0] == "x" else None, duration_s=took_s)
    observer = Playing(took_s, **{scenario.name: outcomes[1:]})
    return 1 + len(await play_again(cast("Any", observer), cast("Any", stack), [scenario], [first]))


@pytest.mark.parametrize(
    ("scenario", "outcomes", "took_s", "plays"),
    [
        (ALONE, "..", 0.01, 2),
        (ALONE, "x.", 0.01, 2),
        (TWO, ".....", 0.01, MOST_PLAYS),
        (TWO, "..x..", 0.01, 3),
        (TWO, "x.", 5.0, 2),
        (TWO, "xxxxx", 5.0, 2),
        (TWO, "xxxxx", 0.01, 3),
        (TWO, ".....", 5.0, 2),
    ],
)
async def test_connections_that_chance_sends_to_workers_are_played_until_two_plays_are_unlike(
    scenario: Scenario, outcomes: str, took_s: float, plays: int
) -> None:
    assert await plays_of(scenario, outcomes, took_s) == plays


@pytest.mark.parametrize(
    ("scenario", "workers", "plays"), [(TWO, 1, MOST_PLAYS), (TWO, 2, MOST_PLAYS_OF_WORKERS), (ALONE, 2, 2)]
)
async def test_where_workers_share_a_port_two_connections_are_played_until_chance_has_told_them_apart(
    scenario: Scenario, workers: int, plays: int
) -> None:
    assert await plays_of(scenario, ".", stack=SharedPort(workers)) == plays


async def test_what_says_how_often_is_played_so_often_also_where_it_disturbs() -> None:
    """The plays that were made already count."""
    often = Scenario("often", repeat=4)
    restarting = Scenario("restarting", disruptive=True, repeat=3)
    played = [
        Transcript("often", "g"),
        Transcript("often", "g"),
        Transcript("restarting", "g"),
        Transcript("alone", "g"),
    ]
    observer = Playing(often="....", restarting="....", alone=".")
    more = await repeated(cast("Any", observer), cast("Any", None), [often, restarting, ALONE], played)
    assert sorted(transcript.scenario for transcript in more) == ["often", "often", "restarting", "restarting"]


async def test_what_was_not_played_at_all_is_not_repeated() -> None:
    """Where nothing could be reached any more."""
    assert await repeated(cast("Any", Playing()), cast("Any", None), [Scenario("lost", repeat=3)], []) == ()


def test_the_play_that_left_its_script_is_the_one_that_is_judged() -> None:
    """Or the one whose frames break the contract; else the first."""
    kept, left = Transcript("two", "g", duration_s=1), Transcript("two", "g", departure=LEFT)
    breaking = FrameReceived(0.0, "a", "message", JsonFrame({}), ("a field too many",))
    broken = Transcript("alone", "g", events=(breaking,))
    fine = Transcript("alone", "g")
    again = Transcript("two", "g", departure=LEFT, duration_s=2)
    judged, others = in_order_of_interest([kept, fine], [left, broken, again])
    assert judged == (left, broken)
    assert others == (kept, again, fine)
    assert in_order_of_interest([fine], [Transcript("alone", "g", duration_s=2)])[0] == (fine,)
