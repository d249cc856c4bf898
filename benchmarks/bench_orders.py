"""Orders per minute: a fresh stack per order, a fresh backend container per order, a warm boot; and the floor.

    python benchmarks/bench_orders.py              # some minutes; needs a container engine
    python benchmarks/bench_orders.py --quick      # few boots each, for a look

Every boot is given another random initialisation order that the backend's graph allows, waits until the startup report
has decided, checks that it passed in just that order, and takes down what it has made; its seconds are from the first
to the last of that. One boot at a time, but for the last row. Rows:

- fresh stack: plain testcontainers (`plain_boots`), PostgreSQL, Redis and backend anew for each order
- fresh backend container: the same, but PostgreSQL and Redis stay; a database for each order, made ahead
- warm boot: `envparity.launch.warm.pool`, in the environment `local`
- floor: the backend's own import and startup (`floor`), a fork of a bare process that has the third-party packages
- cold process: `python3 -m` in the same place, for information
- warm boots in 2 lanes: as the suite boots them, two at a time; the seconds of all, divided by how many there were.
  What is claimed of warm boots is claimed of this row, but for the floor, with which a single one is compared

Every round measures every row, and a ratio is the median of the rounds' own, so that all meet the machine in the same
mood. Exit code 1 if an aim is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from benchmarks.plain_boots import Images, Servers, backend, servers
from envparity.config.project import load_project
from envparity.dependencies.postgres_isolation import Databases
from envparity.dependency.kind import ServerPlan
from envparity.engine.explore import LANES
from envparity.launch.choose import choose_launcher
from envparity.launch.container.stack import ContainerStack
from envparity.launch.warm.pool import WarmPool
from envparity.model.case import Boot
from envparity.orders.extensions import extension_by_priorities
from envparity.orders.graph import Graph

ROOT = Path(__file__).parent.parent
ENVIRONMENT = "local"
BOOTS_IN_ROUND = 4
BOOTS_IN_LANES = 12  # so that the lanes are rarely without work
STACK, CONTAINER = "fresh stack", "fresh backend container"
WARM, DECIDED, IN_LANES = "warm boot", "  until it has decided", f"warm boots in {LANES} lanes"
FLOOR = "floor"
FLOOR_PORT = 8123


class Rows:
    """Seconds per boot, by the row's name and the round in which it was measured."""

    def __init__(self) -> None:
        self.round = 0
        self._seconds: dict[str, dict[int, list[float]]] = {}

    def add(self, row: str, seconds: float) -> None:
        """One boot more, in this round."""
        self._seconds.setdefault(row, {}).setdefault(self.round, []).append(seconds)

    def ratio(self, row: str, other: str) -> float:
        """How many times as long `row` takes as `other`: the median of what the rounds say."""
        rounds = self._seconds[row].keys() & self._seconds[other].keys()
        return statistics.median(self._median(row, at) / self._median(other, at) for at in rounds)

    def table(self) -> str:
        """A line for each row: the boots, the median with its spread, what that is a minute, and beside the lanes."""
        lines = [f"{'':28}{'boots':>6}{'median s':>10}{'p10':>9}{'p90':>9}{'a minute':>10}{'/ in lanes':>12}"]
        for row, rounds in self._seconds.items():
            seconds = [duration for boots in rounds.values() for duration in boots]
            tenths = statistics.quantiles(seconds, n=10, method="inclusive") if len(seconds) > 1 else [seconds[0]] * 9
            middle = statistics.median(seconds)
            lines.append(
                f"{row:28}{len(seconds):6}{middle:10.3f}{tenths[0]:9.3f}{tenths[-1]:9.3f}"
                f"{60 / middle:10.1f}{self.ratio(row, IN_LANES):11.2f}x"
            )
        return "\n".join(lines)

    def _median(self, row: str, at: int) -> float:
        return statistics.median(self._seconds[row][at])


class Orders:
    """Random orders that the graph allows, and the check that a boot ran in one."""

    def __init__(self, graph: Graph, seed: int) -> None:
        self._graph, self._random = graph, random.Random(seed)  # noqa: S311  orders, not secrets

    def next(self) -> tuple[str, ...]:
        """Another one."""
        return extension_by_priorities(self._graph, self._random)

    @staticmethod
    def check(report: dict[str, Any], order: Sequence[str]) -> None:
        """Raises `SystemExit` where the boot did not pass in that order."""
        if report["status"] != "pass" or list(report["order"]) != list(order):
            raise SystemExit(f"a boot ended with {report['status']}, in the order {report['order']}, not {order}")


class PlainRows:
    """The two rows of plain testcontainers; `lasting` are the servers of the second, with the databases made ahead."""

    def __init__(self, images: Images, usual: dict[str, str], lasting: Servers, databases: Sequence[str]) -> None:
        self._images, self._usual, self._lasting, self._databases = images, usual, lasting, list(databases)

    def fresh_stack(self, rows: Rows, orders: Orders) -> None:
        """Everything anew."""
        order = orders.next()
        began = time.monotonic()
        with servers(self._images) as fresh:
            settings = {**self._usual, **fresh.settings(), "STARTUP_ORDER": ",".join(order)}
            with backend(self._images, fresh, settings) as report:
                orders.check(report, order)
        rows.add(STACK, time.monotonic() - began)

    def fresh_container(self, rows: Rows, orders: Orders) -> None:
        """The backend anew."""
        order = orders.next()
        own = self._lasting.settings(self._databases.pop())
        settings = {**self._usual, **own, "STARTUP_ORDER": ",".join(order)}
        began = time.monotonic()
        with backend(self._images, self._lasting, settings) as report:
            orders.check(report, order)
        rows.add(CONTAINER, time.monotonic() - began)


async def warm_boot(orders: Orders, pool: WarmPool) -> float:
    """One warm boot; the seconds until it had decided."""
    order = orders.next()
    async with pool.boot(Boot(order=order)) as booted:
        await booted.until_decided()
        report = (await booted.observe_replica(0)).startup
        orders.check(report.document if report is not None else {"status": "silent", "order": ()}, order)
    return sum(booted.timings[what] for what in ("prepare", "fork", "startup"))


async def warm_rows(rows: Rows, orders: Orders, pool: WarmPool, boots: int) -> None:
    """Warm boots, one after the other; then more, as many at a time as there are lanes."""
    for _ in range(boots):
        began = time.monotonic()
        rows.add(DECIDED, await warm_boot(orders, pool))
        rows.add(WARM, time.monotonic() - began)
    began = time.monotonic()
    await asyncio.gather(*(warm_boot(orders, pool) for _ in range(BOOTS_IN_LANES)))
    rows.add(IN_LANES, (time.monotonic() - began) / BOOTS_IN_LANES)


@asynccontextmanager
async def bare_container(stack: ContainerStack) -> AsyncIterator[Container]:
    """A container of the backend's image in which nothing runs."""
    plan = ServerPlan("backend", FLOOR_PORT, {})
    idle = ["python3", "-c", "import signal; signal.pause()"]
    container = await stack.ground.start_beside("floor", plan, {"entrypoint": idle})
    yield container


async def floor_row(
    rows: Rows, orders: Orders, *, stack: ContainerStack, bare: Container, databases: Databases, task: dict[str, Any]
) -> None:
    """Bare forks in that container, each with a database of its own."""
    chosen = [orders.next() for _ in range(task["count"])]
    names = [await databases.take(0) for _ in range(task["count"] + 1)]
    settings = [_floor_settings(stack, name) for name in names]
    boots = [{**setting, "STARTUP_ORDER": ",".join(order)} for setting, order in zip(settings, chosen, strict=False)]
    given = json.dumps({**task, "boots": boots, "cold": settings[-1]})
    program = (ROOT / "benchmarks" / "floor.py").read_text(encoding="utf-8")
    ran = await stack.engine.call(
        "the floor",
        lambda: bare.exec_run(["python3", "-c", program], environment={"FLOOR": given}, demux=True),
        300,
    )
    output: Any = ran.output
    if ran.exit_code != 0:
        raise SystemExit(f"the floor failed: {(output[1] or b'').decode()[-2000:]}")
    told = json.loads(output[0])
    for order, report, seconds in zip(chosen, told["reports"], told["seconds"], strict=True):
        orders.check(report, order)
        rows.add(FLOOR, seconds)
    rows.add("cold process", told["cold_seconds"])
    for name in names:
        databases.give_back(name)


def _floor_settings(stack: ContainerStack, database: str) -> dict[str, str]:
    url = stack.settings["DATABASE_URL"].rpartition("/")[0] + f"/{database}?sslmode=disable"
    redis = stack.settings["REDIS_URL"].rpartition("/")[0] + "/15"
    return {**stack.settings, "DATABASE_URL": url, "REDIS_URL": redis, "HOST": "127.0.0.1", "PORT": str(FLOOR_PORT)}


async def measure(rows: Rows, arguments: argparse.Namespace) -> None:
    """All rows, in rounds."""
    project = load_project(ROOT / "netra_backend" / "backend.toml", ROOT / "environments", [ENVIRONMENT])
    launcher = choose_launcher("container", project, _say)
    try:
        async with launcher.boot(project.environments[ENVIRONMENT], Boot(), _say) as stack:
            assert isinstance(stack, ContainerStack)
            await stack.until_decided()
            report = (await stack.observe_replica(0)).startup
            if report is None or report.status != "pass":
                raise SystemExit("the backend does not start")
            orders = Orders(Graph.from_report(report.document), arguments.seed)
            with servers(_images(stack)) as lasting:
                databases = [f"order_{at}" for at in range(2 * arguments.rounds)]
                await asyncio.to_thread(lasting.create_databases, databases)
                own = ("PORT", "DATABASE_URL", "REDIS_URL")
                usual = {name: value for name, value in stack.settings.items() if name not in own}
                plain = PlainRows(_images(stack), usual, lasting, databases)
                await _rounds(rows, orders, stack, plain, arguments.rounds)
    finally:
        await launcher.close()


def _url_of(stack: ContainerStack, name: str) -> str:
    """What a setting takes as that dependency's URL."""
    return next(setting.value for setting in stack.given.resolved if setting.source == f"{name}.url")


async def _rounds(rows: Rows, orders: Orders, stack: ContainerStack, plain: PlainRows, rounds: int) -> None:
    postgres = next(name for name, dependency in stack.dependencies.items() if dependency.kind == "postgres")
    server = stack.controlled.server(postgres)
    if server is None:
        raise SystemExit(f"{postgres} is down")
    async with (
        WarmPool.open(stack, lanes=LANES) as pool,
        bare_container(stack) as bare,
        Databases.open(stack.ground, postgres, _url_of(stack, postgres), server, ahead=1) as databases,
    ):
        _say(f"the agent holds {len(pool.loaded)} modules; it took {sum(pool.timings.values()):.1f} s")
        task = {
            "modules": list(pool.loaded),
            "bytecode": "/tmp/floor-bytecode",  # noqa: S108  inside a container of its own
            "module": "netra_backend",
            "port": FLOOR_PORT,
            "count": BOOTS_IN_ROUND,
        }
        for rows.round in range(rounds):
            _say(f"round {rows.round + 1} of {rounds}")
            await floor_row(rows, orders, stack=stack, bare=bare, databases=databases, task=task)
            await warm_rows(rows, orders, pool, BOOTS_IN_ROUND)
            await asyncio.to_thread(plain.fresh_container, rows, orders)
            await asyncio.to_thread(plain.fresh_stack, rows, orders)
            await asyncio.to_thread(plain.fresh_container, rows, orders)


def _images(stack: ContainerStack) -> Images:
    """The very images of that stack."""
    used = {
        dependency.kind: dependency.container.attrs["Image"]
        for dependency in stack.dependencies.values()
        if dependency.container is not None
    }
    return Images(used["postgres"], used["redis"], stack.replicas[0].container.attrs["Image"])


def aims(rows: Rows) -> list[tuple[str, bool]]:
    """Each aim in words, with what was measured, and whether it is met."""
    container, stack = rows.ratio(CONTAINER, IN_LANES), rows.ratio(STACK, IN_LANES)
    alone = f"{rows.ratio(CONTAINER, WARM):.1f}", f"{rows.ratio(STACK, WARM):.1f}"
    floor = rows.ratio(DECIDED, FLOOR)
    return [
        (f"warm boots for a fresh backend container: {container:.1f} ({alone[0]} one by one), aim 10", container >= 10),
        (f"warm boots for a fresh stack: {stack:.1f} ({alone[1]} one by one), aim 30", stack >= 30),
        (f"a warm boot until it has decided, in floors: {floor:.2f}, aim at most 1.5", floor <= 1.5),
    ]


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


def main() -> int:
    """Measure, print the table, say what was missed."""
    parser = argparse.ArgumentParser(description="Orders per minute, booted warm, in fresh containers, and bare.")
    parser.add_argument("--quick", action="store_true", help="few boots each")
    parser.add_argument("--seed", type=int, default=1, help="of the orders")
    arguments = parser.parse_args()
    arguments.rounds = 2 if arguments.quick else 8
    began = time.monotonic()
    rows = Rows()
    asyncio.run(measure(rows, arguments))
    print(rows.table())
    found = aims(rows)
    for text, met in found:
        print(f"{'met' if met else 'MISSED'}: {text}")
    print(f"all in {time.monotonic() - began:.0f} s")
    return 0 if all(met for _, met in found) else 1


if __name__ == "__main__":
    sys.exit(main())
