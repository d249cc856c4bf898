"""Another connection of the same user: what it does, and beside what it is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from envparity.engine.siblings import SIBLING, play_beside_siblings, with_sibling
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Expect, ExpectClose, Send, Settle, Silence, Step
from envparity.observe.transcript import Departure, HandshakeAnswered, Transcript

WELCOME = Expect(("welcome",), capture={"session": "id"})
CHAT = Scenario("chat", steps=(Connect("valid"), WELCOME, Send({"type": "ask"}), Expect(("answer",)), Close(1000)))


def names(steps: Sequence[Step]) -> list[str]:
    """The steps in short: on which connection what."""
    return [f"{getattr(step, 'on', '')} {type(step).__name__}" for step in steps]


def test_it_comes_first_hears_the_welcome_and_goes_when_the_others_are_connected() -> None:
    """It captures nothing, so that what the script captures is its own connection's."""
    beside = with_sibling(CHAT)
    assert beside is not None
    comes = [f"{SIBLING} Connect", f"{SIBLING} Expect", "a Connect", "a Expect"]
    rest = ["a Settle", "a Send", "a Expect", "a Close"]
    assert names(beside.goes.steps) == [*comes, f"{SIBLING} Settle", f"{SIBLING} Close", *rest]
    assert names(beside.stays.steps) == [*comes, *[f"{SIBLING} Settle"] * 2, *rest, f"{SIBLING} Settle"]
    assert cast("Expect", beside.goes.steps[1]).capture == {}


def test_it_is_the_same_user_on_whichever_replica() -> None:
    second = Connect("valid", on="b", user="bob", other_replica_than="a")
    says = (Send({"type": "say"}), Expect(("said",), on="b"))
    beside = with_sibling(Scenario("two", steps=(Connect("valid", user="anna"), second, *says)))
    assert beside is not None
    assert beside.goes.steps[0] == Connect("valid", on=SIBLING, user="anna")


@pytest.mark.parametrize(
    "steps",
    [
        (Connect("valid", status=403),),
        (Connect("expired"), Expect(("error",)), ExpectClose((1008,))),
        (Connect("valid"), WELCOME, Close(1000)),
        (Send({"type": "ask"}),),
    ],
)
def test_where_nobody_hears_anything_afterwards_there_is_none(steps: tuple[Step, ...]) -> None:
    assert with_sibling(Scenario("short", steps=steps)) is None


Outcome = Callable[[bool, int], Departure | None]


class Player:
    """Stands for a player: `outcome` says how a play ends, by whether the sibling goes, and by its number."""

    def __init__(self, outcome: Outcome, replicas: tuple[int, int] = (0, 0)) -> None:
        self._outcome, self._replicas = outcome, replicas
        self.played: list[tuple[str, bool]] = []

    async def scripts(self, _stack: Any, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, None]]:
        return [(scenario, None) for scenario in scenarios]

    async def plays_again(self, _stack: Any, scripts: Sequence[tuple[Scenario, None]]) -> tuple[Transcript, ...]:
        return tuple(self._play(scenario) for scenario, _ in scripts)

    def _play(self, scenario: Scenario) -> Transcript:
        goes = not isinstance(scenario.steps[-1], Settle)
        number = self.played.count((scenario.name, goes))
        self.played.append((scenario.name, goes))
        opened = [
            HandshakeAnswered(0.0, name, "accept", status=101, replica=at)
            for name, at in zip((SIBLING, "a"), self._replicas, strict=True)
        ]
        return Transcript(scenario.name, "g", events=tuple(opened), departure=self._outcome(goes, number))


async def plays(
    player: Player, *scenarios: Scenario, replicas: int = 1, **options: Any
) -> list[tuple[bool, int | None]]:
    """Whether the sibling had gone in each play that is returned, and the step at which the script was left."""
    seen = await play_beside_siblings(
        cast("Any", player),
        cast("Any", SimpleNamespace(replica_count=replicas)),
        scenarios,
        [Transcript(scenario.name, "g") for scenario in scenarios],
        thorough=options.get("thorough", False),
    )
    return [(play.gone, None if (left := play.transcript.departure) is None else left.step) for play in seen]


def deaf(goes: bool, _number: int) -> Departure | None:
    """Deaf at the answer once the sibling has gone."""
    return Departure(8, "timeout", "answer", "nothing", "a") if goes else None


async def test_what_is_harmed_is_played_until_it_is_certain() -> None:
    """The step is that of the scenario as it is written."""
    assert await plays(Player(deaf), CHAT) == [(True, 3), (False, None), (False, None), (True, 3)]


async def test_what_is_otherwise_beside_one_that_stays_is_left_alone() -> None:
    player = Player(lambda goes, number: deaf(True, number))  # noqa: ARG005
    assert await plays(player, CHAT) == []


async def test_what_shows_once_is_left_alone() -> None:
    assert await plays(Player(lambda goes, number: None if number else deaf(goes, number)), CHAT) == []


async def test_what_the_sibling_itself_meets_is_no_matter() -> None:
    refused = Departure(1, "frame", "welcome", "too many", SIBLING)
    player = Player(lambda _goes, _number: refused)
    assert (await plays(player, CHAT), player.played) == ([], [("chat", True)])


async def test_it_is_tried_until_both_were_on_one_replica() -> None:
    """At most so often; where they were, once is enough."""
    apart, together = Player(lambda _goes, _number: None, (0, 1)), Player(lambda _goes, _number: None)
    await plays(apart, CHAT, replicas=2)
    await plays(together, CHAT, replicas=2)
    assert (len(apart.played), len(together.played)) == (3, 1)


async def test_only_what_is_heard_nowhere_else_is_played_and_all_where_it_is_thorough() -> None:
    again = Scenario("again", steps=(Connect("valid"), WELCOME, Send({"type": "ask"}), Expect(("answer",))))
    silent = Scenario("silent", steps=(*CHAT.steps, Silence(9.0)))
    two_tabs = Scenario("two tabs", steps=(Connect("valid"), Connect("valid", on="b"), *again.steps[1:]))
    two_users = Scenario("two users", steps=(Connect("valid"), Connect("valid", on="b", user="bob"), *again.steps[1:]))
    restarts = Scenario("restarts", steps=CHAT.steps, disruptive=True)
    usual, thorough = Player(lambda _goes, _number: None), Player(lambda _goes, _number: None)
    await plays(usual, CHAT, again, silent, restarts, two_tabs)
    await plays(thorough, CHAT, again, silent, restarts, two_users, thorough=True)
    assert sorted(usual.played) == [("chat", True), ("two tabs", True)]
    assert sorted(thorough.played) == [(name, True) for name in ("again", "chat", "silent", "two users")]
