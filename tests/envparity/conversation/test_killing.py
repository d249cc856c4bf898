"""A replica that is killed in the middle of a scenario: it is started again, by the script or behind it."""

from __future__ import annotations

from envparity.model.step import Connect, KillReplica, StartReplica
from tests.envparity.conversation.one_server import OneServer, departed, kept, played, serving, silent


class MortalServer(OneServer):
    """One whose replica can be killed."""

    async def kill_replica(self, index: int) -> None:
        self._do(f"kill {index}")


async def test_a_replica_that_is_killed_was_told_nothing_before() -> None:
    async with serving(silent) as server:
        stack = MortalServer(server.endpoint)
        kept(await played(stack, Connect("valid"), KillReplica("a"), StartReplica("a")))
    assert stack.done == ["kill 0", "start 0"]


async def test_what_was_killed_is_brought_back_behind_the_scenario() -> None:
    async with serving(silent) as server:
        stack = MortalServer(server.endpoint)
        kept(await played(stack, Connect("valid"), KillReplica("a")))
    assert stack.done == ["kill 0", "start 0"]


async def test_where_nobody_can_be_killed_the_step_says_so() -> None:
    """A launcher need not be able to; nothing is started that was not stopped."""
    async with serving(silent) as stack:
        departure = await departed(stack, Connect("valid"), KillReplica("a"))
    assert (departure.kind, departure.step) == ("control", 1)
    assert "stop 0" not in stack.done
