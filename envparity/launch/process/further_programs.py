"""The programs of a backend that are none of its replicas, as processes."""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import msgspec

from envparity.launch.log_text import read_log_file
from envparity.launch.process.backend_children import BackendChildren
from envparity.launch.process.child import Child
from envparity.launch.process.limits import backend_argv
from envparity.launch.process.logs import FileLog
from envparity.launch.program import RunningProgram
from envparity.model.environment import BesideProcess, Job
from envparity.support.stalls import Deadline

__all__ = ["ProcessPrograms"]

_KILL_S = 0.0
_EVERY_S = 0.02


@dataclass(frozen=True)
class ProcessPrograms:
    """Starts them (`BackendPrograms`): those of the `previous` release, or of this one."""

    children: BackendChildren
    previous: bool
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def job(
        self, exits: AsyncExitStack, values: Mapping[str, str], name: str, job: Job
    ) -> tuple[int | None, str]:
        child = self._started(exits, values, f"job-{next(self._numbers)}-{name}", job.command)
        deadline = Deadline(job.timeout_s)
        while (code := child.exit_code) is None:
            if deadline.passed:
                break
            await asyncio.sleep(_EVERY_S)
        await child.stop(signal.SIGKILL, _KILL_S)
        return code, read_log_file(child.program.log)

    async def companion(
        self, exits: AsyncExitStack, values: Mapping[str, str], name: str, declared: BesideProcess
    ) -> RunningProgram:
        child = self._started(exits, values, f"process-{name}", declared.command)

        async def exit_code() -> int | None:
            return child.exit_code

        return RunningProgram(name, declared, FileLog(child.program.log), 0, exit_code)

    def _started(self, exits: AsyncExitStack, values: Mapping[str, str], name: str, command: tuple[str, ...]) -> Child:
        argv = backend_argv(msgspec.structs.replace(self.children.means.source, command=command))
        child = self.children.child(name, argv, values, previous=self.previous)
        exits.push_async_callback(child.stop, signal.SIGKILL, _KILL_S)
        child.start()
        return child
