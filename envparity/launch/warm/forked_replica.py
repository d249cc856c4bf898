"""The process of a warm boot: forked, waited for, forked again in its place."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.agent.client import AgentBoot
from envparity.launch.health import HealthProbe

__all__ = ["ForkedReplica"]

_SAYS_SO_S = 0.25  # longer than a startup that nothing keeps waiting


class ForkedReplica:
    """What `fork` gives, and how its startup went; where it `says_so`, its log says when that is over.

    `boot_s` is how long it may take; `undecided_after_s` is noted where it took longer.
    """

    def __init__(
        self, fork: Callable[[], Awaitable[AgentBoot]], probe: HealthProbe, boot_s: float, *, says_so: bool
    ) -> None:
        self._fork, self._probe, self._says_so = fork, probe, says_so
        self._process: AgentBoot | None = None
        self.boot_s = boot_s
        self.timings: dict[str, float] = {}
        self.undecided_after_s: float | None = None

    @property
    def process(self) -> AgentBoot:
        """The forked process. Raises `LaunchError` where there is none yet."""
        if self._process is None:
            raise LaunchError("this warm boot has not been started")
        return self._process

    async def has_ended(self) -> bool:
        """Whether it runs no longer."""
        return self.process.end is not None

    async def start(self) -> None:
        """Fork it. Raises `AgentRefused`."""
        began = time.monotonic()
        self._process = await self._fork()
        self.timings["fork"] = round(time.monotonic() - began, 4)

    async def until_decided(self, log: Callable[[], Awaitable[tuple[str, ...]]]) -> bool:
        """Wait until its startup has passed or failed. False where it ended first, or took too long, which is noted."""
        began = time.monotonic()
        if self._says_so:
            # Then is the moment to ask, and asking earlier only keeps it from starting. It is asked all the same.
            with contextlib.suppress(DeadlineExceeded):
                await self.process.until_said(min(_SAYS_SO_S, self.boot_s))
        await self.process.until_listening(self.boot_s)
        self.timings["listening"] = round(time.monotonic() - began, 4)
        decided = await self._probe.until_decided(self.boot_s, self.has_ended, log)
        self.timings["startup"] = round(time.monotonic() - began, 4)
        if not decided and self.process.end is None:
            self.undecided_after_s = round(time.monotonic() - began, 1)
        return decided

    async def kill(self) -> None:
        """Kill what still runs."""
        if self._process is not None and self._process.end is None:
            await self._process.stop()
