"""What a script does to the environment: stop and start replicas, restart, cut and restore dependencies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from envparity.conversation.actions import Control
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.port import Stack

__all__ = ["Stage"]


class Stage:
    """Carries out control steps, and remembers what has to be brought back.

    `stop_s` is how long a replica may take to end, `now` gives seconds.
    """

    def __init__(self, stack: Stack, stop_s: float, now: Callable[[], float]) -> None:
        self._stack, self._stop_s, self._now = stack, stop_s, now
        self._cut: set[str] = set()
        self._stopping: dict[int, asyncio.Task[float]] = {}

    async def do(self, action: Control) -> tuple[dict[str, Any], str]:
        """Do it. Returns what came of it, and why it failed, if it did."""
        try:
            return await self._do(action), ""
        except (DeadlineExceeded, LaunchError) as error:
            return {}, str(error)

    async def restore(self) -> None:
        """Bring back what the script did not: nobody after it shall suffer from it."""
        for name in sorted(self._cut):
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await self._stack.restore_dependency(name)
        for index in list(self._stopping):
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await self._start(index)

    async def _do(self, action: Control) -> dict[str, Any]:
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
            case _:
                await self._stack.until_ready()
        return {}

    async def _stop(self, replica: int) -> float:
        """SIGTERM, and wait for the end. Returns the seconds that it took."""
        began = self._now()
        await self._stack.stop_replica(replica)
        return round(self._now() - began, 3)

    async def _stopped(self, replica: int) -> dict[str, Any]:
        if replica not in self._stopping:
            raise LaunchError(f"replica {replica} was not stopped before")
        seconds = await self._stopping[replica]
        if seconds > self._stop_s:
            raise DeadlineExceeded(f"replica {replica} to end after SIGTERM", self._stop_s, f"it took {seconds:g} s")
        exit_code = (await self._stack.observe_replica(replica)).exit_code
        return {"exit_code": exit_code, "seconds": seconds}

    async def _start(self, replica: int) -> None:
        stopping = self._stopping.pop(replica, None)
        if stopping is not None:
            with contextlib.suppress(DeadlineExceeded, LaunchError):
                await stopping
        await self._stack.start_replica(replica)
