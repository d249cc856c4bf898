"""Which scenarios are played by clients that say the same in another way, in which ways, and how often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

import pytest

from envparity.conversation.dialect import DIALECTS
from envparity.conversation.handshake import Handshake
from envparity.conversation.resolved import ResolvedScenario
from envparity.engine.other_handshakes import OtherHandshakes, play_other_handshakes, token_first
from envparity.model.scenario import Scenario
from envparity.model.step import Silence
from envparity.observe.beside import PLAYS_TO_BLAME
from envparity.observe.transcript import Departure, Transcript

BROKEN = Departure(0, "frame", "x", "y")
SPACES = DIALECTS[0]
ALONE = tuple((way,) for way in DIALECTS)
Breaks = Callable[[Handshake, int], bool]
"""Whether a play of that handshake leaves its script, which is the n-th of its like."""


def script(*offers: tuple[tuple[str, ...], tuple[str, ...]], polling: bool = False) -> ResolvedScenario:
    """One whose handshakes offer so much, of which so much carries the token."""
    return ResolvedScenario(
        {
            index: Handshake("/ws", (), None, offered, "v1", None, carrying=carrying, polling=polling)
            for index, (offered, carrying) in enumerate(offers)
        }
    )


def test_what_carries_the_token_goes_to_the_front() -> None:
    """The others keep their order, by which one of them is selected; who carries none is as usual."""
    turned = token_first(script((("v2", "v1", "jwt.x"), ("jwt.x",)), (("v1",), ())))
    assert turned is not None
    assert [handshake.offered for handshake in turned.handshakes.values()] == [("jwt.x", "v2", "v1"), ("v1",)]


@pytest.mark.parametrize("offered", [("v1",), (), ("jwt.x",), ("jwt.x", "v1")])
def test_where_there_is_no_other_order_nothing_is_played(offered: tuple[str, ...]) -> None:
    carrying = tuple(name for name in offered if name == "jwt.x")
    assert token_first(script((offered, carrying))) is None


class Player:
    """Stands for a player: scenarios are called by what they offer, and some plays leave their script."""

    def __init__(self, breaks: Breaks) -> None:
        self.breaks = breaks
        self.prepared: Counter[str] = Counter()
        self.times: Counter[object] = Counter()

    async def scripts(self, _stack: Any, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ResolvedScenario]]:
        self.prepared.update(scenario.name for scenario in scenarios)
        return [(scenario, self._script(scenario.name)) for scenario in scenarios]

    def _script(self, name: str) -> ResolvedScenario:
        if name.startswith("token"):
            return script((("v1", "jwt.x"), ("jwt.x",)))
        offered = ("v1", "v2") if name.startswith("list") else ("v1",)
        return script((offered, ()), polling=name == "polling")

    async def plays_again(
        self, _stack: Any, scripts: Sequence[tuple[Scenario, ResolvedScenario]]
    ) -> tuple[Transcript, ...]:
        return tuple(self._play(scenario, said.handshakes[0]) for scenario, said in scripts)

    def _play(self, scenario: Scenario, handshake: Handshake) -> Transcript:
        like = (scenario.name, handshake.offered, handshake.written)
        self.times[like] += 1
        return Transcript(scenario.name, "g", departure=BROKEN if self.breaks(handshake, self.times[like]) else None)


async def played(
    *names: str, breaks: Breaks = lambda _said, _times: False, broken: Collection[str] = ()
) -> tuple[OtherHandshakes, Player]:
    scenarios = [
        *map(Scenario, names),
        Scenario("restarts", disruptive=True),
        Scenario("long", steps=(Silence(9.0),)),
        Scenario("crowd", clients=9),
        Scenario("unplayed"),
    ]
    before = [
        Transcript(each.name, "g", departure=BROKEN if each.name in broken else None)
        for each in scenarios
        if each.name != "unplayed"
    ]
    player = Player(breaks)
    return await play_other_handshakes(cast("Any", player), cast("Any", None), scenarios, before), player


def ways(seen: OtherHandshakes) -> list[tuple[str, tuple[str, ...]]]:
    return [(play.transcript.scenario, play.ways) for play in seen.dialects]


async def test_what_kept_to_its_script_and_takes_no_time_is_played_that_way() -> None:
    """Nothing that disturbs, waits for long, left its script or was not played; and it is prepared once."""
    seen, player = await played("token", "broken", "token more", broken=["broken"])
    assert [play.scenario for play in seen.turned] == ["token", "token more"]
    assert player.prepared["token more"] == 1
    assert player.prepared.keys() == {"token", "token more"}


async def test_the_first_of_each_sort_is_played_in_all_ways_at_once() -> None:
    """Nothing that left its script, asks by long polling, disturbs or waits for long."""
    seen, _ = await played("broken", "polling", "ask", "list", "ask more", "list more", broken=["broken"])
    assert ways(seen) == [("ask", DIALECTS), ("list", DIALECTS)]
    assert not seen.by_chance


async def test_where_that_leaves_the_script_the_way_that_does_is_played_as_often_as_blame_needs() -> None:
    """And the others once."""
    seen, _ = await played("list", breaks=lambda said, _times: SPACES in said.written)
    others = [("list", way) for way in ALONE if way != (SPACES,)]
    assert ways(seen) == [("list", DIALECTS), *[("list", (SPACES,))] * PLAYS_TO_BLAME, *others]


async def test_where_none_by_itself_does_all_of_them_are_again() -> None:
    seen, _ = await played("list", breaks=lambda said, _times: said.written == DIALECTS)
    assert ways(seen) == [*[("list", DIALECTS)] * PLAYS_TO_BLAME, *(("list", way) for way in ALONE)]


@pytest.mark.parametrize("name", ["token", "list"])
async def test_what_leaves_its_script_once_is_a_play_as_any_other(name: str) -> None:
    """What its handshake says has no part in it; and what keeps to the script is still there for the judge."""
    seen, _ = await played(name, breaks=lambda said, times: times == 1 and _other(said))
    assert {play.departure for play in seen.by_chance} == {BROKEN}
    assert not any(play.departure for play in (*seen.turned, *(each.transcript for each in seen.dialects)))
    assert {play.scenario for play in (*seen.turned, *(each.transcript for each in seen.dialects))} == {name}


async def test_what_leaves_its_script_each_time_is_left_to_the_judge() -> None:
    seen, _ = await played("token", breaks=lambda said, _times: said.offered[0] == "jwt.x")
    assert [play.departure for play in seen.turned] == [BROKEN] * PLAYS_TO_BLAME
    assert not seen.by_chance


def _other(said: Handshake) -> bool:
    """Whether that handshake is one that says it in another way."""
    return bool(said.written) or said.offered[0] == "jwt.x"
