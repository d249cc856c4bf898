"""Clients that play one scenario at the same time: where they wait for one another, and how fast they go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from envparity.conversation.action_outcome import ControlOutcome
from envparity.conversation.actions import Control
from envparity.conversation.stage import Stage
from envparity.model.scenario import Rate
from envparity.support.shielded import shielded

__all__ = ["Crowd"]


@dataclass
class _Place:
    """A point of the script at which clients wait: how many are there, and whether all are."""

    there: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    doing: dict[tuple[object, ...], asyncio.Task[ControlOutcome]] = field(default_factory=dict)


class Crowd:
    """All clients of a scenario, one as well. Each says when it leaves, so that nobody waits for who has left.

    What a script does to the environment is done once, on `stage`, when all who still play have come to that step;
    where it is meant for the replica that a client is connected to, once for each such replica; where for its token,
    once for each. `now` gives seconds since the scenario began.
    """

    def __init__(self, clients: int, rate: Rate, stage: Stage, now: Callable[[], float]) -> None:
        self.stage, self.now = stage, now
        self._playing = clients
        self._places: dict[int, _Place] = {}
        self._connecting, self._sending = _Slots(rate.connections), _Slots(rate.messages)

    async def before_connecting(self) -> None:
        """Wait until the next of them may connect."""
        await self._connecting.take()

    async def before_sending(self) -> None:
        """Wait until the next of them may send."""
        await self._sending.take()

    async def meet(self, number: int) -> None:
        """Wait at that point of the script until all are there who still play."""
        place = self._place(number)
        place.there += 1
        self._let_go()
        await place.complete.wait()

    async def control(self, number: int, action: Control) -> ControlOutcome:
        """Have it done, once, when all are at that point of the script."""
        await self.meet(number)
        own = action.words if action.action == "revoke" else ()
        doing, key = self._place(number).doing, (action.action, action.target, action.replica, own)
        if key not in doing:
            doing[key] = asyncio.create_task(self.stage.do(action))
        return await shielded(doing[key])

    def leave(self) -> None:
        """One of them plays no longer. What the last leaves behind, because it was interrupted, is not gone on with."""
        self._playing -= 1
        self._let_go()
        if not self._playing:
            for task in [task for place in self._places.values() for task in place.doing.values()]:
                task.cancel()

    def _place(self, number: int) -> _Place:
        return self._places.setdefault(number, _Place())

    def _let_go(self) -> None:
        """Nobody leaves while waiting: whoever is at a place that is not complete still plays."""
        for place in self._places.values():
            if not place.complete.is_set() and place.there >= self._playing:
                place.complete.set()


class _Slots:
    """Moments that are equally far from each other, for whoever comes next; None: every moment will do."""

    def __init__(self, per_s: float | None) -> None:
        self._per_s = per_s
        self._next_s = 0.0

    async def take(self) -> None:
        if self._per_s is None:
            return
        now_s = asyncio.get_running_loop().time()
        at_s = max(now_s, self._next_s)
        self._next_s = at_s + 1 / self._per_s
        await asyncio.sleep(at_s - now_s)
