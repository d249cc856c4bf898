"""What is played of a planned case: no more than counts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from envparity.engine.case_player import CasePlayer
from envparity.engine.orders_seen import OrdersSeen
from envparity.engine.plan import PlannedCase
from envparity.engine.want_of_time import Doubt, LateBoots
from envparity.launch.port import Stack
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation
from envparity.observe.transcript import Departure, Transcript

BACKEND = Backend("chat", Path("backend.toml"), ImageSource(name="chat"))
PROJECT = Project(BACKEND, {"local": Environment("local")})
CASE = Case("local", "chat")
PLANNED = PlannedCase(CASE, (Scenario("hello"), Scenario("restart", disruptive=True)))


class Played:
    """Stands for an observer and its player: each play ends as it is told to, and is kept by its name."""

    def __init__(self, kind: str) -> None:
        self._departure = Departure(0, cast("Any", kind), "welcome", "nothing") if kind else None
        self.player = self
        self.keeps = False
        self.names: list[str] = []

    async def see_through(self, *_stack_and_scenarios: object) -> None:
        return None

    async def replicas(self, _stack: object) -> list[Any]:
        return []

    async def cross_origin(self, *_stack_and_replicas: object) -> tuple[()]:
        return ()

    def _played(self, scenarios: Sequence[Scenario], *, disruptive: bool) -> tuple[Transcript, ...]:
        names = [each.name for each in scenarios if each.disruptive is disruptive]
        self.names += names
        return tuple(Transcript(name, "usual", departure=self._departure) for name in names)

    async def peaceful(self, _stack: object, scenarios: Sequence[Scenario], **_said: object) -> tuple[Transcript, ...]:
        return self._played(scenarios, disruptive=False)

    async def disruptive(
        self, _stack: object, scenarios: Sequence[Scenario], **_said: object
    ) -> tuple[Transcript, ...]:
        return self._played(scenarios, disruptive=True)

    async def record(self, _stack: object, _first: object, played: Any, *_rest: object, **_said: object) -> Observation:
        return Observation(CASE, "fake", "0", transcripts=tuple(played))


class HeldEnvironment:
    """A stack of which nobody asks more than whose it is."""

    case = CASE
    replica_count = 1


@pytest.mark.parametrize(("kind", "played"), [("timeout", ["hello"]), ("frame", ["hello", "restart"])])
async def test_of_a_boot_that_is_made_again_no_more_is_played(
    kind: str, played: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came to a deadline is booted alone; the rest of its scenarios is played there, once."""
    monkeypatch.setattr(CasePlayer, "_is_controlled", lambda *_of: False)
    observer = Played(kind)
    orders = OrdersSeen(PROJECT, cast("Any", None), print, None)
    player = CasePlayer(PROJECT, cast("Any", observer), orders, print)
    doubt = Doubt(LateBoots(every=True))
    seen = await player(PLANNED, cast("Stack", HeldEnvironment()), 0.0, again=False, doubt=doubt)
    assert observer.names == played == [each.scenario for each in seen.transcripts]
    assert doubt.is_settled == (kind == "timeout")
