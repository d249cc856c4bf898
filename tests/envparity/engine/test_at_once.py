"""Many clients at once: how many, what they do, and what is played a second time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from unittest.mock import Mock

import pytest
from msgspec.structs import replace

from envparity.engine.at_once import clients_at_once, play_at_once, slowed
from envparity.launch.controls import Disturbable
from envparity.model.backend import Backend, ImageSource, Limits
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Expect, Send, Silence, Slow, Step
from envparity.observe.beside import AtOnce
from envparity.observe.frame import JsonFrame
from envparity.observe.transcript import Clients, Departure, FrameSent, Transcript

POOLED = Backend("b", Path("b.toml"), ImageSource(), limits=Limits(pool_size="POOL"))
BARE = Backend("b", Path("b.toml"), ImageSource())
WELCOME, ASK, ANSWER = Expect(("welcome",)), Send({"type": "ask"}), Expect(("answer",))
CHAT = Scenario("chat", steps=(Connect("valid"), WELCOME, ASK, ANSWER, Send({"type": "more"}), ANSWER))
ASKED = Scenario("asked", steps=(Connect("valid"), WELCOME, ASK, ANSWER))
TOLD = Scenario("told", steps=(Connect("valid"), WELCOME, Send({"type": "tell"}), ANSWER))


@pytest.mark.parametrize(
    ("backend", "settings", "replicas", "clients"),
    [
        (POOLED, {"POOL": "5"}, 1, 7),
        (POOLED, {"POOL": "5"}, 2, 12),
        (POOLED, {"POOL": "100"}, 1, 40),
        (POOLED, {"POOL": "many"}, 1, 12),
        (BARE, {"POOL": "5"}, 1, 12),
    ],
)
def test_they_are_more_than_the_pools_of_all_replicas_have(
    backend: Backend, settings: Mapping[str, str], replicas: int, clients: int
) -> None:
    assert clients_at_once(backend, settings, replicas) == clients


def test_all_say_each_thing_at_the_same_time() -> None:
    """Where the stack is disturbed clients wait for one another; all dependencies are slow from the first on."""
    many = slowed(CHAT, ["db", "cache"])
    assert many is not None
    kinds = [step.dependency if isinstance(step, Slow) else type(step).__name__ for step in many.steps]
    assert kinds == ["Connect", "Expect", "db", "cache", "Send", "Expect", "db", "Send", "Expect"]


@pytest.mark.parametrize(
    "steps", [(Connect("valid"), WELCOME), (ASK, Connect("valid"), ANSWER), (Connect("valid"), ASK)]
)
def test_where_nothing_is_said_or_answered_nobody_is_many(steps: tuple[Step, ...]) -> None:
    assert slowed(Scenario("s", steps=steps), ["db"]) is None


class Player:
    """Stands for a player who serves so many of several clients, by turns."""

    def __init__(self, *served: int, waits_s: Sequence[float] = (), stands_s: float = 0.0) -> None:
        """One alone waits for `waits_s`, by turns; nothing comes to many for `stands_s`."""
        self._served, self._waits_s, self._stands_s = list(served), list(waits_s), stands_s
        self.played: list[tuple[str, int]] = []

    async def play(self, scenario: Scenario, _stack: Any, *, again: bool) -> Transcript:
        assert again
        self.played.append((scenario.name, scenario.clients))
        if scenario.clients == 1:
            waits_s = self._waits_s.pop(0) if self._waits_s else 0.0
            return Transcript(scenario.name, "g", (FrameSent(0.0, "a", "message", JsonFrame({})),), duration_s=waits_s)
        served = self._served.pop(0) if self._served else scenario.clients
        departure = None if served == scenario.clients else Departure(3, "timeout", "answer", "nothing", "a")
        clients = Clients(scenario.clients, served, scenario.clients, standstill_s=self._stands_s)
        return Transcript(scenario.name, "g", clients=clients, departure=departure)


async def seen(player: Player, scenarios: Sequence[Scenario]) -> int:
    """How many pairs of plays were made of what was not served."""
    return len(await plays(player, scenarios))


async def plays(
    player: Player,
    scenarios: Sequence[Scenario],
    backend: Backend = POOLED,
    *,
    named: Sequence[str] = ("chat", "asked", "told[header]"),
    thorough: bool = False,
) -> tuple[AtOnce, ...]:
    """The pairs of plays that were made of what was not served."""
    return await play_at_once(
        cast("Any", player),
        Mock(spec=Disturbable, settings={"POOL": "5"}, replica_count=1),
        scenarios,
        [Transcript(scenario.name, "g") for scenario in scenarios],
        backend=backend,
        dependencies=["db"],
        thorough=thorough,
        named=named,
    )


async def test_what_is_served_is_played_once_and_nothing_is_kept_of_it() -> None:
    player = Player()
    assert (await seen(player, [ASKED, CHAT]), player.played) == (0, [("chat", 7)])


async def test_what_is_not_served_is_played_alone_and_a_second_time() -> None:
    player = Player(0, 3)
    assert (await seen(player, [CHAT]), player.played) == (2, [("chat", 7), ("chat", 1)] * 2)


async def test_where_one_alone_waits_too_long_to_tell_a_standstill_it_is_played_alone_again() -> None:
    """On a busy machine it waits for the machine as well: seven that stand still for 5 s need one that waits 0.6 s."""
    player = Player(0, 0, waits_s=[0.9, 0.7, 0.6, 0.1, 0.8, 0.8, 0.7, 0.9, 0.7], stands_s=5.0)
    first, second = await plays(player, [CHAT])
    assert (first.alone_s, first.stands_still) == (0.6, True)
    assert (second.alone_s, second.stands_still) == (0.1, True)
    assert player.played == [("chat", 7), *[("chat", 1)] * 3, ("chat", 7), ("chat", 1)]


async def test_one_alone_is_played_some_times_more_at_most() -> None:
    player = Player(0, 0, waits_s=[0.9] * 20, stands_s=5.0)
    assert [pair.stands_still for pair in await plays(player, [CHAT])] == [False, False]
    assert player.played == [("chat", 7), *[("chat", 1)] * 5] * 2


async def test_a_thorough_run_plays_whatever_says_something_else() -> None:
    """Nothing that waits for long, has several connections or disturbs; also where nobody says how large a pool is."""
    silent = Scenario("silent", steps=(*TOLD.steps, Silence(9.0)))
    restarts = Scenario("restarts", steps=TOLD.steps, disruptive=True)
    two = Scenario("two", steps=(Connect("valid", on="b"), *TOLD.steps))
    player = Player()
    await plays(player, [ASKED, CHAT, silent, restarts, two, TOLD], BARE, named=(), thorough=True)
    assert player.played == [("chat", 12), ("told", 12)]


async def test_else_only_what_is_named_is_played_by_many() -> None:
    """A name without the carrier names each."""
    player, header = Player(), replace(CHAT, name="chat[header]")
    await plays(player, [header, ASKED, TOLD], named=["chat", "refusal-*"])
    assert player.played == [("chat[header]", 7)]
