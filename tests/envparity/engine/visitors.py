"""Users who come and go: a stand-in for a player that remembers who came, and how each went."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from envparity.conversation.resolved import ResolvedScenario
from envparity.model.scenario import Scenario
from envparity.model.step import Step
from envparity.observe.transcript import Departure, Transcript

BROKEN = Departure(0, "frame", "x", "y")


class Visitors:
    """Plays one scenario at a time; the visit of that number leaves its script."""

    def __init__(self, breaks_at: int = 10_000) -> None:
        self.breaks_at = breaks_at
        self.went: list[Step] = []
        self.users: set[int] = set()

    async def scripts(self, _stack: Any, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ResolvedScenario]]:
        return [(scenario, ResolvedScenario({})) for scenario in scenarios]

    async def plays_again(
        self, _stack: Any, scripts: Sequence[tuple[Scenario, ResolvedScenario]]
    ) -> tuple[Transcript, ...]:
        ((scenario, script),) = scripts
        await asyncio.sleep(0)
        self.users.add(id(script))
        self.went.append(scenario.steps[-1])
        departure = BROKEN if len(self.went) == self.breaks_at else None
        return (Transcript(scenario.name, "g", departure=departure),)
