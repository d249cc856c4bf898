"""A further program of the backend, beside its replicas: when it is there, how it ended, and what it has written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from envparity.launch.server_log import LOG_LINES, ServerLog
from envparity.model.environment import BesideProcess
from envparity.observe.record import ProcessRun
from envparity.support.patterns import Pattern
from envparity.support.redaction import Redaction
from envparity.support.stalls import Deadline

__all__ = ["RunningProgram"]

_EVERY_S = 0.1


@dataclass
class RunningProgram:
    """One that was started, as its environment declares it; `exit_code` says how it ended, None while it runs."""

    name: str
    declared: BesideProcess
    log: ServerLog
    began: float  # where its log begins
    exit_code: Callable[[], Awaitable[int | None]]
    ready_after_s: float | None = None

    async def until_ready(self) -> None:
        """Wait until it is there, or has ended, or its time is over; what came of it is kept."""
        began, deadline = time.monotonic(), Deadline(self.declared.ready_s)
        pattern = Pattern(self.declared.ready) if self.declared.ready else None
        while True:
            # In this sequence: what ended after its last words has still written them.
            ended = await self.exit_code() is not None
            if pattern is None or pattern.anew().search(await self.log.since(self.began)):
                self.ready_after_s = None if ended and pattern is None else round(time.monotonic() - began, 3)
                return
            if ended or deadline.passed:
                return
            await asyncio.sleep(_EVERY_S)

    async def observed(self, redaction: Redaction) -> ProcessRun:
        """How it is now."""
        code = await self.exit_code()
        log = tuple(redaction.text(await self.log.since(self.began)).splitlines()[-LOG_LINES:])
        return ProcessRun(self.name, code, self.ready_after_s, self.declared.ready_s, log)
