"""What a replica is asked for while it stops: whether it lives, and whether it is ready."""

from __future__ import annotations

import asyncio

import pytest

from envparity.model.step import Connect, Stopped, StopReplica
from envparity.observe.transcript import ControlDone
from tests.envparity.conversation.one_server import OneServer, played, serving, silent


class Draining(OneServer):
    """One that answers its liveness with these statuses before it ends, the last of them for as long as it is asked."""

    answers: tuple[int | None, ...] = ()
    asked = 0

    async def ready_status(self, index: int) -> int | None:
        return None

    async def liveness(self, index: int) -> int | None:
        status = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return status

    async def stop_replica(self, index: int) -> None:
        while self.asked < len(self.answers):  # noqa: ASYNC110  it has no event for being asked
            await asyncio.sleep(0)
        await super().stop_replica(index)


@pytest.mark.parametrize(
    ("answers", "said"), [((200, 503, 200), 503), ((200, 200), 200), ((200, None), 200), ((None,), None)]
)
async def test_a_replica_that_stops_is_asked_for_its_liveness(
    answers: tuple[int | None, ...], said: int | None
) -> None:
    """Until it ends, or answers no more: what it has said that is no success is told, however it went on."""
    async with serving(silent) as server:
        stack = Draining(server.endpoint)
        stack.answers = answers
        transcript = await played(stack, Connect("valid"), StopReplica("a"), Stopped("a"))
    assert transcript.departure is None
    assert [event.liveness for event in transcript.events if isinstance(event, ControlDone)] == [None, said]


class DrainingReady(Draining):
    """Its readiness is asked as often; it is gone when both have been."""

    statuses: tuple[int, ...] = ()
    asked_ready = 0

    async def ready_status(self, index: int) -> int | None:
        self.asked_ready += 1
        return self.statuses[min(self.asked_ready, len(self.statuses)) - 1]

    async def stop_replica(self, index: int) -> None:
        while self.asked_ready < len(self.statuses):  # noqa: ASYNC110  it has no event for being asked
            await asyncio.sleep(0.01)
        await super().stop_replica(index)


@pytest.mark.parametrize(("statuses", "said"), [((503,), 503), ((200, 503), 503), ((503, 200), 200)])
async def test_a_replica_that_stops_is_asked_for_its_readiness(statuses: tuple[int, ...], said: int) -> None:
    """Its last word is told: one of its first requests may have been under way when the signal came."""
    async with serving(silent) as server:
        stack = DrainingReady(server.endpoint)
        stack.answers, stack.statuses = (200,), statuses
        transcript = await played(stack, Connect("valid"), StopReplica("a"), Stopped("a"))
    assert [event.readiness for event in transcript.events if isinstance(event, ControlDone)] == [None, said]
