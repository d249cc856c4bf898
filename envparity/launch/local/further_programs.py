"""The programs of a backend that are none of its replicas: jobs before they start, processes beside them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol

from envparity.launch.local.parts import BootedDependency
from envparity.launch.local.proxies import DependencyProxies
from envparity.launch.local.stack import LocalStack
from envparity.launch.port import Waiting
from envparity.launch.program import RunningProgram
from envparity.launch.server_log import LOG_LINES
from envparity.model.environment import BesideProcess, Job
from envparity.observe.record import JobRun

__all__ = ["BackendPrograms", "FurtherPrograms"]


class BackendPrograms(Protocol):
    """Starts programs of the backend as its replicas are started."""

    async def job(
        self, exits: AsyncExitStack, values: Mapping[str, str], name: str, job: Job
    ) -> tuple[int | None, str]:
        """Run that job with those settings; its exit code, None where it had to be killed, and what it has written."""
        ...

    async def companion(
        self, exits: AsyncExitStack, values: Mapping[str, str], name: str, declared: BesideProcess
    ) -> RunningProgram:
        """Start that further program with those settings; it need not be ready when this returns."""
        ...


@dataclass(frozen=True)
class FurtherPrograms:
    """Those of one boot; `proxies` are the ones in front of what they need."""

    proxies: DependencyProxies
    waiting: Waiting

    async def run_jobs(
        self,
        stack: LocalStack,
        programs: BackendPrograms,
        exits: AsyncExitStack,
        values: Mapping[str, str],
        late: Sequence[BootedDependency] = (),
    ) -> None:
        """Run the jobs, one after the other until one fails, with every dependency in reach as when it was deployed.

        Those that are to run again do so each when it has ended.

        What cannot be reached when the backend starts (it is `late`, or withheld) is out of reach again afterwards.
        """
        withheld = [stack.dependencies[name] for name in self.proxies.boot.unreachable_at_start]
        for dependency in (*late, *withheld):
            await dependency.proxy.up()
        jobs = self.proxies.environment.jobs.items()
        for name, job, again in [(*each, again) for each in jobs for again in (False, True)[: 1 + each[1].again]]:
            began = time.monotonic()
            self.waiting(f"job {name} again" if again else f"job {name}")
            exit_code, log = await programs.job(exits, values, name, job)
            took_s = round(time.monotonic() - began, 3)
            run = JobRun(name, exit_code, took_s, stack.logs.redacted(log)[-LOG_LINES:], again)
            stack.timings[run.title] = took_s
            stack.jobs.append(run)
            if exit_code != 0:
                break
        for dependency in (*late, *withheld):
            await dependency.proxy.down()
        for line, dependency in self.proxies.lines(stack.dependencies.values()):
            dependency.proxy.hold_at(line)

    async def start_beside(
        self,
        stack: LocalStack,
        programs: BackendPrograms,
        exits: AsyncExitStack,
        values: Mapping[str, str],
        name: str,
    ) -> None:
        """Start that process beside the replicas; what it writes is told beside what servers write."""
        declared = self.proxies.environment.processes[name]
        program = await programs.companion(exits, values, name, declared)
        stack.programs.append(program)
        stack.logs.servers[f"process {name}"] = program.log
