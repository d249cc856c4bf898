"""What a script does to the environment: stop and start replicas, restart, cut and restore dependencies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from envparity.conversation.actions import Control
from envparity.conversation.told import Outcome
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.port import Stack
from envparity.support.stalls import Deadline

__all__ = ["Stage"]


class Stage:
    """Carries out control steps, and remembers what has to be brought back.

    `stop_s` is how long a replica may take to end, `now` gives seconds.
    """

    def __init__(self, stack: Stack, stop_s: float, now: Callable[[], float]) -> None:
        self._stack, self._stop_s, self._now = stack, stop_s, now
        self._cut: set[str] = set()
        self._rotated: dict[str, tuple[int, int]] = {}  # how often, and from which key on they are published
        self._stopping: dict[int, asyncio.Task[tuple[float, bool]]] = {}

    async def do(self, action: Control) -> Outcome:
        """Do it. Returns what came of it, or why it failed."""
        try:
            return await self._do(action)
        except (DeadlineExceeded, LaunchError) as error:
            return Outcome(str(error))

    async def restore(self) -> None:
        """Bring back what the script did not: nobody after it shall suffer from it."""
        for name in sorted(self._cut):
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await self._stack.restore_dependency(name)
        for name in sorted(self._rotated):
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await self._rotate(name, 0, 0)
        for index in list(self._stopping):
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await self._start(index)

    async def _do(self, action: Control) -> Outcome:
        replica = action.replica or 0
        match action.action:
            case "stop_replica":
                self._stopping[replica] = asyncio.create_task(self._stop(replica))
            case "stopped":
                return await self._stopped(replica)
            case "start_replica":
                await self._start(replica)
            case "restart":
                await self._stack.restart_dependency(action.target)
            case "cut":
                self._cut.add(action.target)
                await self._stack.cut_dependency(action.target)
            case "restore":
                await self._stack.restore_dependency(action.target)
                self._cut.discard(action.target)
            case "command":
                await self._stack.command_dependency(action.target, action.words)
            case "rotate":
                generation, first = self._rotated.get(action.target, (0, 0))
                await self._rotate(action.target, generation + 1, first if action.keep else generation + 1)
            case _:
                await self._stack.until_ready()
        return Outcome()

    async def _rotate(self, name: str, generation: int, first: int) -> None:
        self._rotated[name] = generation, first
        await self._stack.command_dependency(name, ("rotate", str(generation), str(first)))

    async def _stop(self, replica: int) -> tuple[float, bool]:
        """SIGTERM, and wait for the end. Returns the seconds that it took, and whether that was within the deadline."""
        began, deadline = self._now(), Deadline(self._stop_s)
        await self._stack.stop_replica(replica)
        return round(self._now() - began, 3), not deadline.passed

    async def _stopped(self, replica: int) -> Outcome:
        if replica not in self._stopping:
            raise LaunchError(f"replica {replica} was not stopped before")
        seconds, in_time = await self._stopping[replica]
        if not in_time:
            raise DeadlineExceeded(f"replica {replica} to end after SIGTERM", self._stop_s, f"it took {seconds:g} s")
        exit_code = (await self._stack.observe_replica(replica)).exit_code
        return Outcome(exit_code=exit_code, seconds=seconds)

    async def _start(self, replica: int) -> None:
        stopping = self._stopping.pop(replica, None)
        if stopping is not None:
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await stopping
        await self._stack.start_replica(replica)
