"""Whether the probe sees every outage and no other, for as long as it runs, in memory that stays flat.

    python benchmarks/soak_probe.py --minutes 10      # needs a container engine

Boots the environment `local` in containers, runs `envparity probe` against it as a process, and stops and starts
PostgreSQL twice meanwhile. Then it holds the probe's log, its metrics and its memory against what was done:

- seen: a failure within 3 runs after PostgreSQL was gone, an alert, and a recovery
- no false failure: none that ended before PostgreSQL was stopped or began more than 2 s after it answered again, which
  is what the backend may take to find it again
- whole: no run in which PostgreSQL was gone from its beginning to its end was healthy
- flat: the median of the resident memory of the last third differs from the first third's, both after a minute of
  warming up, by less than 1 MiB; no more open files at the end than then
- counted: the metrics say what the log says; PostgreSQL's absence is no reason for a 1011

Exit code 1 if one of them does not hold.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import re
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.soak_memory import Memory, memory_and_files
from envparity.config.project import load_project
from envparity.launch.choose import choose_launcher
from envparity.launch.container.stack import ContainerStack
from envparity.model.case import Boot

ROOT = Path(__file__).parent.parent
BACKEND, LOCAL = ROOT / "netra_backend" / "backend.toml", ROOT / "environments" / "local.toml"
KEY = "SOAK_JWT_SECRET"
EVERY_S = 1.0
OUTAGE_S = 15.0
GRACE_S = 2.0
SAMPLE_S = 2.0
WITHIN_RUNS = 3
FLAT_KIB = 1024


@dataclass(frozen=True)
class Outage:
    """When PostgreSQL was stopped, gone, started and there again; seconds since the epoch."""

    stopped: float
    gone: float
    started: float
    back: float


@dataclass(frozen=True)
class Run:
    """One run of the probe, from its log."""

    began: float
    ended: float
    healthy: bool
    why: str


@dataclass
class Soak:
    """What was done and what was seen."""

    outages: list[Outage] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    memory: list[tuple[float, int, int]] = field(default_factory=list)  # moment, KiB, open files
    metrics: str = ""
    exit_code: int | None = None

    @property
    def runs(self) -> list[Run]:
        return [
            Run(
                began := dt.datetime.fromisoformat(event["time"]).timestamp(),
                began + event["duration_ms"] / 1000,
                event["healthy"],
                f"{event['failed_in']}: {event['got']}",
            )
            for event in self.events
            if event["event"] == "run"
        ]

    def failures_of(self, outage: Outage) -> list[Run]:
        """The failures that this outage explains."""
        until = outage.back + GRACE_S
        return [run for run in self.runs if not run.healthy and run.ended >= outage.stopped and run.began <= until]

    @property
    def skipped(self) -> int:
        return sum(event["ticks"] for event in self.events if event["event"] == "skipped")

    def count(self, event: str) -> int:
        return sum(happening["event"] == event for happening in self.events)


@asynccontextmanager
async def environment() -> AsyncIterator[ContainerStack]:
    """The environment `local`, ready."""
    project = load_project(BACKEND, LOCAL)
    launcher = choose_launcher("container", project, lambda waited_for: print(f"waits for {waited_for}"))
    try:
        async with launcher.boot(project.environments["local"], Boot(), lambda _: None) as stack:
            if not isinstance(stack, ContainerStack):
                raise SystemExit("the outages of this soak are of containers")
            await stack.until_ready()
            yield stack
    finally:
        await launcher.close()


async def outage(stack: ContainerStack) -> Outage:
    """Stop PostgreSQL, wait, start it with its data."""
    dependency = stack.dependencies["postgres"]
    container = dependency.container
    if container is None:
        raise SystemExit("PostgreSQL is not there")
    stopped = time.time()
    await stack.engine.call("postgres to stop", lambda: container.stop(timeout=5))
    gone = time.time()
    await asyncio.sleep(OUTAGE_S)
    started = time.time()
    await stack.engine.call("postgres to start", container.start)
    await stack.connect_proxy(dependency.name)
    return Outage(stopped, gone, started, time.time())


async def soak(minutes: float, folder: Path) -> Soak:
    """Boot, probe, break twice, and end."""
    seen = Soak()
    async with environment() as stack:
        host, port = stack.endpoint.address
        text = LOCAL.read_text(encoding="utf-8") + (
            f'\n[deployed]\nurl = "ws://{host}:{port}/ws"\nsecret = {{ variable = "{KEY}" }}\n'
            "max_connections_per_minute = 60\n"
        )
        (folder / "local.toml").write_text(text, encoding="utf-8")
        address = free_address()
        command = ["-m", "envparity", "probe", "--environment", "local", "--every", f"{EVERY_S:g}s"]
        command += ["--backend", str(BACKEND), "--environments", str(folder), "--log-format", "json"]
        probe = await asyncio.create_subprocess_exec(
            sys.executable, *command, "--metrics", address,
            stdout=asyncio.subprocess.PIPE, env=os.environ | {KEY: stack.settings["JWT_SECRET"]},
        )  # fmt: skip
        try:
            await _meanwhile(seen, stack, probe, address, minutes * 60)
        finally:
            if probe.returncode is None:
                probe.kill()
                await probe.wait()
    return seen


async def _meanwhile(
    seen: Soak, stack: ContainerStack, probe: asyncio.subprocess.Process, address: str, for_s: float
) -> None:
    reading = asyncio.create_task(_read(seen, probe))
    sampling = asyncio.create_task(_sample(seen, probe.pid))
    began = time.monotonic()
    for share in (1 / 3, 2 / 3):
        await asyncio.sleep(began + share * for_s - time.monotonic())
        seen.outages.append(await outage(stack))
        print(
            f"outage {len(seen.outages)}: PostgreSQL was gone for {seen.outages[-1].back - seen.outages[-1].gone:.1f} s"
        )
    await asyncio.sleep(began + for_s - time.monotonic())
    sampling.cancel()
    async with httpx.AsyncClient() as client:
        seen.metrics = (await client.get(f"http://{address}/metrics")).text
    probe.send_signal(signal.SIGTERM)
    await asyncio.wait_for(reading, 30)
    seen.exit_code = await probe.wait()


async def _read(seen: Soak, probe: asyncio.subprocess.Process) -> None:
    while probe.stdout is not None and (line := await probe.stdout.readline()):
        seen.events.append(json.loads(line))


async def _sample(seen: Soak, pid: int) -> None:
    while True:
        seen.memory.append((time.time(), *await asyncio.to_thread(memory_and_files, pid)))
        await asyncio.sleep(SAMPLE_S)


def free_address() -> str:
    """An address of this machine that nobody listens at."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def broken(seen: Soak, memory: Memory) -> list[str]:
    """What does not hold, in words."""
    wrong = []
    runs, failed = seen.runs, [run for run in seen.runs if not run.healthy]
    for number, outage in enumerate(seen.outages, 1):
        during = [run for run in runs if outage.gone <= run.began]
        if not any(not run.healthy for run in during[:WITHIN_RUNS]):
            wrong.append(f"outage {number} was not seen within {WITHIN_RUNS} runs")
        whole = [run for run in during if run.ended <= outage.started]
        wrong += [f"outage {number}: healthy {run.began - outage.gone:.1f} s into it" for run in whole if run.healthy]
    explained = [run for outage in seen.outages for run in seen.failures_of(outage)]
    wrong += [f"a false failure at {run.began:.1f}: {run.why}" for run in failed if run not in explained]
    turns = (seen.count("alert"), seen.count("recovered"))
    if turns != (len(seen.outages), len(seen.outages)):
        wrong.append(f"{turns[0]} alerts and {turns[1]} recoveries for {len(seen.outages)} outages")
    if abs(memory.last - memory.first) >= FLAT_KIB:
        wrong.append(f"memory is not flat: {memory.first:.0f} KiB, then {memory.last:.0f} KiB")
    if memory.files_last > memory.files_first:
        wrong.append(f"open files: {memory.files_first} at most, then {memory.files_last}")
    for name, logged in {'runs_total{.*outcome="failure"}': len(failed), "internal_errors_total{.*}": 0}.items():
        counted = float(next(iter(re.findall(rf"^envparity_probe_{name} (\S+)$", seen.metrics, re.MULTILINE))))
        if counted != logged:
            wrong.append(f"{name} is {counted:g}, expected {logged}")
    if seen.exit_code != 128 + signal.SIGTERM:
        wrong.append(f"the probe ended with {seen.exit_code}")
    return wrong


def report(seen: Soak, memory: Memory) -> str:
    """The figures."""
    runs = seen.runs
    healthy = sorted(run.ended - run.began for run in runs if run.healthy)
    lines = [
        f"runs               {len(runs)}, {len(runs) - len(healthy)} failed, {seen.skipped} moments skipped",
        f"a healthy run      median {statistics.median(healthy) * 1000:.0f} ms, longest {healthy[-1] * 1000:.0f} ms",
    ]
    for number, outage in enumerate(seen.outages, 1):
        of_it = [
            run
            for run in runs
            if not run.healthy and outage.stopped <= run.ended and run.began <= outage.back + GRACE_S
        ]
        if of_it:
            lines.append(
                f"outage {number}           gone {outage.back - outage.gone:.1f} s; {len(of_it)} failures, the first"
                f" {of_it[0].ended - outage.stopped:+.1f} s after the stop began, the last ended"
                f" {of_it[-1].ended - outage.back:+.1f} s after it answered again; {of_it[0].why}"
            )
    slope = f"{memory.a_minute:+.1f} KiB a minute ({memory.a_minute * EVERY_S / 60 * 1000:+.0f} KiB for 1000 runs)"
    lines += [
        f"alerts             {seen.count('alert')}, recoveries {seen.count('recovered')}",
        f"resident memory    {memory.first / 1024:.2f} MiB, then {memory.last / 1024:.2f} MiB; {slope}",
        f"open files         {memory.files_first}, then {memory.files_last}",
    ]
    return "\n".join(lines)


def main() -> None:
    """Soak, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the probe runs (default: 10)")
    minutes = parser.parse_args().minutes
    if minutes < 3:
        parser.error("--minutes: at least 3")
    with tempfile.TemporaryDirectory(prefix="envparity-soak-") as folder:
        seen = asyncio.run(soak(minutes, Path(folder)))
    memory = Memory.of(seen.memory)
    print(report(seen, memory))
    wrong = broken(seen, memory)
    print("\n".join(wrong) or "every outage seen, no false one, memory flat")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
