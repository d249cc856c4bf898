"""What is played on a hybrid beside its scenarios: what its finding needs to show, and no more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from envparity.engine import hybrid_plays
from envparity.engine.coming_back import CameBack
from envparity.engine.hybrid_plays import played_on
from envparity.engine.observer import Observer
from envparity.engine.other_handshakes import OtherHandshakes
from envparity.engine.played_beside import PlayedBeside
from envparity.launch.port import Stack
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Case
from envparity.model.environment import Environment
from envparity.model.scenario import Scenario
from envparity.observe.beside import AtOnce, SiblingPlay
from envparity.observe.memory import MemorySeen
from envparity.observe.record import Observation, Replica, SecondPlay
from envparity.observe.stopping import KillSeen, StopSeen
from envparity.observe.transcript import Departure, Transcript
from envparity.observe.usage import Visits

CASE = Case("local", "chat")
TALK, RESTART = Scenario("talk"), Scenario("restart", disruptive=True)
USUAL = Transcript("talk", "g")
TURNED, CHANCE, BACK, OTHER = (Transcript(name, "g") for name in ("turned", "chance", "back", "other"))
SIBLING, CROWD = SiblingPlay(Transcript("sibling", "g")), AtOnce(USUAL, Transcript("crowd", "g"))
MEMORY, STOP, KILL = MemorySeen(1, (1,)), StopSeen(0, had=True, seconds=1), KillSeen(0, back=True, starts=1)


class Watched:
    """Stands for an observer, its player and the stack; keeps what was played, and what is recorded beside it."""

    case = CASE
    keeps = False
    replica_count = 1
    backend = Backend("chat", Path("backend.toml"), ImageSource(name="chat"))

    def __init__(self, *, starts: bool = True, departure: Departure | None = None) -> None:
        self.player = self
        self._replica = Replica(0, None, exit_code=None if starts else 1)
        self._departure = departure
        self.plays: list[list[str]] = []
        self.beside = PlayedBeside()

    async def see_through(self, _stack: object, _scenarios: object) -> tuple[float, float]:
        return 0.0, 0.0

    async def replicas(self, _stack: object) -> list[Replica]:
        return [self._replica]

    async def cross_origin(self, _stack: object, _first: object) -> tuple[tuple[()]]:
        return ((),)

    async def peaceful(self, _stack: object, scenarios: Sequence[Scenario], **_how: object) -> tuple[Transcript, ...]:
        return self._played([each for each in scenarios if not each.disruptive])

    async def disruptive(self, _stack: object, scenarios: Sequence[Scenario]) -> tuple[Transcript, ...]:
        return self._played([each for each in scenarios if each.disruptive])

    async def record(
        self,
        _stack: object,
        _first: object,
        played: Sequence[Transcript],
        _timings: object,
        beside: PlayedBeside,
        *,
        warm: bool,
    ) -> Observation:
        self.beside = beside
        return Observation(CASE, "fake", "0", transcripts=tuple(played), warm=warm)

    def _played(self, scenarios: Sequence[Scenario]) -> tuple[Transcript, ...]:
        self.plays.append([each.name for each in scenarios])
        return tuple(Transcript(each.name, "g", departure=self._departure) for each in scenarios)


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What is done with which scenarios, by its name; each gives something that is its own."""
    seen: dict[str, list[str]] = {}

    def stands_for(name: str, given: object, nothing: object) -> None:
        async def stand_in(
            _player: object, _stack: object, scenarios: Sequence[Scenario], *_more: Any, **_how: Any
        ) -> Any:
            if scenarios:
                seen[name] = [scenario.name for scenario in scenarios]
            return given if scenarios else nothing

        monkeypatch.setattr(hybrid_plays, name, stand_in)

    stands_for("come_back", CameBack([OTHER], [SecondPlay(BACK)]), CameBack())
    stands_for("play_again", (OTHER,), ())
    stands_for("play_other_handshakes", OtherHandshakes((TURNED,), (), (CHANCE,)), OtherHandshakes())
    stands_for("play_beside_siblings", (SIBLING,), ())
    stands_for("play_at_once", (CROWD,), ())
    stands_for("visit", (Visits(1, {}),), ())
    stands_for("endure", (MEMORY,), ())
    stands_for("stop_when_all_are_gone", (STOP,), ())

    async def killed(_stack: object) -> KillSeen:
        seen["kill_and_start"] = []
        return KILL

    monkeypatch.setattr(hybrid_plays, "kill_and_start", killed)
    return seen


async def on(watched: Watched, also: Collection[str], *, twice: bool = False) -> Observation:
    observer, stack = cast("Observer", watched), cast("Stack", watched)
    return await played_on(
        observer, stack, (TALK, RESTART), also, warm=False, twice=twice, environment=Environment("local")
    )


BOTH, PEACEFUL = ["talk", "restart"], ["talk"]


@pytest.mark.parametrize(
    ("also", "expected"),
    [
        ("", {}),
        ("returns", {"come_back": PEACEFUL}),
        ("grows", {"come_back": PEACEFUL, "play_again": BOTH, "visit": BOTH}),
        ("offers", {"play_other_handshakes": BOTH}),
        ("siblings", {"play_beside_siblings": BOTH}),
        ("at once", {"play_at_once": BOTH}),
        ("endures", {"endure": BOTH}),
        ("stops", {"stop_when_all_are_gone": BOTH}),
        ("kills", {"kill_and_start": []}),
    ],
)
async def test_what_is_done_beside_is_what_the_finding_asks_for(
    also: str, expected: dict[str, list[str]], done: dict[str, list[str]]
) -> None:
    await on(Watched(), {also} - {""})
    assert done == expected


async def test_where_a_replica_has_not_started_nothing_is_done_beside(done: dict[str, list[str]]) -> None:
    every = {"returns", "grows", "offers", "siblings", "at once", "endures", "stops", "kills"}
    seen = await on(Watched(starts=False), every)
    assert done == {}
    assert [each.scenario for each in seen.transcripts] == BOTH


async def test_all_that_was_seen_beside_is_recorded(done: dict[str, list[str]]) -> None:
    watched = Watched()
    seen = await on(watched, {"returns", "offers", "siblings", "at once", "origins", "endures", "stops", "kills"})
    beside = watched.beside
    assert len(done) == 7
    assert beside.control == (OTHER, CHANCE)
    assert [each.transcript for each in beside.back.second] == [BACK]
    assert (beside.otherwise.turned, beside.siblings, beside.at_once) == ((TURNED,), (SIBLING,), (CROWD,))
    assert beside.cross_origin == ((),)
    assert (seen.memory, seen.stops, seen.kill) == ((MEMORY,), (STOP,), KILL)


@pytest.mark.parametrize(("twice", "played"), [(True, [PEACEFUL, PEACEFUL]), (False, [PEACEFUL, []])])
async def test_what_leaves_its_script_is_played_once_more_where_it_is_counted(
    twice: bool, played: list[list[str]], done: dict[str, list[str]]
) -> None:
    watched = Watched(departure=Departure(0, "frame", "x", "y"))
    await on(watched, (), twice=twice)
    assert watched.plays == [*played, ["restart"]]
    assert done == {}
