"""What clients do together ends with them."""

from __future__ import annotations

import asyncio
from typing import cast

from envparity.conversation.action_outcome import ControlOutcome
from envparity.conversation.actions import Control
from envparity.conversation.crowd import Crowd
from envparity.conversation.stage import Stage
from envparity.model.scenario import Rate


class Endless:
    """A stage on which nothing comes to an end, unless it is cancelled."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    async def do(self, action: Control) -> ControlOutcome:
        try:
            return await asyncio.Future()
        finally:
            self.ended.set()


async def test_what_an_interrupted_client_was_doing_to_the_environment_is_not_gone_on_with() -> None:
    """With several clients it is, as long as one of them is there."""
    stage = Endless()
    crowd = Crowd(2, Rate(), cast("Stage", stage), lambda: 0.0)
    playing = [asyncio.create_task(crowd.control(0, Control("until_ready", "a"))) for _ in range(2)]
    await asyncio.sleep(0)
    for task in playing:
        assert not stage.ended.is_set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        crowd.leave()
        await asyncio.sleep(0)
    assert stage.ended.is_set()


class Counting:
    """A stage on which everything is done at once; counts what."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []

    async def do(self, action: Control) -> ControlOutcome:
        self.done.append(action.words)
        return ControlOutcome()


async def test_what_is_said_of_a_token_is_done_for_that_of_each_client() -> None:
    """And a command to a dependency once, whatever stands in it."""
    for action, times in (("revoke", 2), ("command", 1)):
        stage = Counting()
        crowd = Crowd(2, Rate(), cast("Stage", stage), lambda: 0.0)
        await asyncio.gather(*(crowd.control(0, Control(action, "redis", words=("SET", number))) for number in "12"))
        assert len(stage.done) == times
