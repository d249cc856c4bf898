"""A release that follows another on the same data, as processes: a replica ended, one of the other in its place."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

from envparity.launch.health import HealthProbe
from envparity.launch.process.child import Child
from envparity.launch.process.stack import ProcessStack
from envparity.model.case import ReleaseChange
from envparity.support.together import together

__all__ = ["MakeReplica", "Releases"]

MakeReplica = Callable[[int, str, bool], tuple[Child, HealthProbe]]
"""What runs as that replica, under a name that no other has; of the previous release, or of this one."""


class Releases:
    """Changes the release of a stack. `run_jobs` are those of this release, as they are before it starts."""

    def __init__(
        self, change: ReleaseChange, make: MakeReplica, run_jobs: Callable[[], Awaitable[None]], exits: AsyncExitStack
    ) -> None:
        self._change = change
        self._make = make
        self._run_jobs = run_jobs
        self._exits = exits
        self._numbers = itertools.count(1)

    async def change(self, stack: ProcessStack) -> None:
        """Do it, and wait until every startup has passed, failed or ended."""
        every = range(len(stack.replicas))
        await self._run_jobs()
        if self._change == "rolling":
            # Those that stay serve on meanwhile; one after the other, as a platform does it.
            for index in every[: (len(every) + 1) // 2]:
                await self._replace(stack, [index], previous=False)
            return
        await self._replace(stack, every, previous=False)
        if self._change == "rollback":
            await self._replace(stack, every, previous=True)

    async def _replace(self, stack: ProcessStack, indexes: Sequence[int], *, previous: bool) -> None:
        await together(*(stack.stop_replica(index) for index in indexes))
        for index in indexes:
            replica = stack.replicas[index]
            child, probe = self._make(index, f"r{index}-{next(self._numbers)}", previous)
            self._exits.push_async_callback(child.stop, signal.SIGKILL, 0.0)
            await replica.close()  # what asked the one before; who has it last is closed with the stack
            replica.child, replica.probe = child, probe
            replica.undecided_after_s = None
            child.start()
        await stack.until_decided()
