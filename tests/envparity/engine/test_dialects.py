"""Which scenarios are played by clients that write their handshake otherwise, and in which ways."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast

from envparity.conversation.dialect import DIALECTS
from envparity.conversation.handshake import Handshake
from envparity.conversation.resolved import ResolvedScenario
from envparity.engine.dialects import play_dialects
from envparity.model.scenario import Scenario
from envparity.model.step import Silence
from envparity.observe.beside import DialectPlay
from envparity.observe.transcript import Departure, Transcript

BROKEN = Departure(0, "frame", "x", "y")
SPACES = DIALECTS[0]


class Player:
    """Stands for a player: scenarios are called by what they offer, and one way is not understood."""

    def __init__(self, misread: str = "", *, only_together: bool = False) -> None:
        self.misread, self.only_together = misread, only_together

    async def scripts(self, _stack: Any, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ResolvedScenario]]:
        return [(scenario, ResolvedScenario({0: self._handshake(scenario.name)})) for scenario in scenarios]

    def _handshake(self, name: str) -> Handshake:
        offered = ("v1", "jwt.x") if name.startswith("list") else ("v1",)
        return Handshake("/ws", (), None, offered, "v1", None, polling=name == "polling")

    async def plays_again(
        self, _stack: Any, scripts: Sequence[tuple[Scenario, ResolvedScenario]]
    ) -> tuple[Transcript, ...]:
        ((scenario, script),) = scripts
        ways = script.handshakes[0].written
        breaks = self.misread in ways or (self.only_together and ways == DIALECTS)
        return (Transcript(scenario.name, "g", departure=BROKEN if breaks else None),)


async def seen(player: Player, *names: str, broken: Collection[str] = ()) -> list[tuple[str, tuple[str, ...]]]:
    scenarios = [*map(Scenario, names), Scenario("restarts", disruptive=True), Scenario("long", steps=(Silence(9.0),))]
    played = [Transcript(each.name, "g", departure=BROKEN if each.name in broken else None) for each in scenarios]
    plays: tuple[DialectPlay, ...] = await play_dialects(cast("Any", player), cast("Any", None), scenarios, played)
    return [(play.transcript.scenario, play.ways) for play in plays]


async def test_the_first_of_each_sort_is_played_in_all_ways_at_once() -> None:
    """Nothing that left its script, asks by long polling, disturbs or waits for long."""
    asked = await seen(Player(), "broken", "polling", "ask", "list", "ask more", "list more", broken=["broken"])
    assert asked == [("ask", DIALECTS), ("list", DIALECTS)]


async def test_where_that_goes_otherwise_each_way_is_played_by_itself() -> None:
    assert await seen(Player(SPACES), "list") == [("list", DIALECTS), *(("list", (way,)) for way in DIALECTS)]


async def test_where_none_by_itself_does_all_of_them_are_once_more() -> None:
    asked = await seen(Player(only_together=True), "list")
    assert asked == [("list", DIALECTS), *(("list", (way,)) for way in DIALECTS), ("list", DIALECTS)]
