"""Which scenarios are played with the token first among what is offered, and what their clients say then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from envparity.conversation.handshake import Handshake
from envparity.conversation.resolved import ResolvedScenario
from envparity.engine.offers import play_token_first, token_first
from envparity.model.scenario import Scenario
from envparity.model.step import Silence
from envparity.observe.transcript import Departure, Transcript


def script(*offers: tuple[tuple[str, ...], tuple[str, ...]]) -> ResolvedScenario:
    """One whose handshakes offer so much, of which so much carries the token."""
    return ResolvedScenario(
        {
            index: Handshake("/ws", (), None, offered, "v1", None, carrying=carrying)
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
    """Stands for a player: every script offers a token behind what is spoken, and each play is remembered."""

    def __init__(self) -> None:
        self.offered: list[tuple[str, tuple[str, ...]]] = []

    async def scripts(self, _stack: Any, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ResolvedScenario]]:
        return [(scenario, script((("v1", "jwt.x"), ("jwt.x",)))) for scenario in scenarios]

    async def plays_again(
        self, _stack: Any, scripts: Sequence[tuple[Scenario, ResolvedScenario]]
    ) -> tuple[Transcript, ...]:
        self.offered += [(scenario.name, said.handshakes[0].offered) for scenario, said in scripts]
        return tuple(Transcript(scenario.name, "g") for scenario, _ in scripts)


async def test_what_kept_to_its_script_and_takes_no_time_is_played_that_way() -> None:
    """Nothing that disturbs, waits for long, left its script or was not played."""
    scenarios = [
        Scenario("ask"),
        Scenario("broken"),
        Scenario("unplayed"),
        Scenario("restarts", disruptive=True),
        Scenario("silent", steps=(Silence(9.0),)),
        Scenario("crowd", clients=9),
    ]
    departure = Departure(0, "frame", "x", "y")
    played = [
        Transcript(scenario.name, "g", departure=departure if scenario.name == "broken" else None)
        for scenario in scenarios
    ]
    player = Player()
    turned = await play_token_first(
        cast("Any", player),
        cast("Any", None),
        scenarios,
        [transcript for transcript in played if transcript.scenario != "unplayed"],
    )
    assert player.offered == [("ask", ("jwt.x", "v1"))]
    assert [transcript.scenario for transcript in turned] == ["ask"]
