"""Sizes of covering sets against published figures, each verified independently, with the seconds they took.

    python benchmarks/bench_covering.py                 # stops at the size that is aimed at: some minutes
    python benchmarks/bench_covering.py --only "t=3"    # the rows whose name contains a text
    python benchmarks/bench_covering.py --report report.json   # with the graph of a saved startup report

Figures: NIST is the greedy generator of Kuhn, Higdon, Lawrence, Kacker and Lei, "Combinatorial methods for event
sequence testing" (2012). `bound` is a certified lower bound. A row ends when it meets its aim or after 60 seconds.
Seconds are of the wall clock; `cpu` is what the process itself used of them. Exit code 1 if an aim is missed.

A layered graph here has layers of equal width; each step requires one step of the layer before, drawn by a fixed seed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from envparity.orders.covering import lower_bound, search, verify
from envparity.orders.graph import Graph

LIMIT_S = 60.0
UNLIMITED = 10**9
SHIPPED = Path(__file__).parent.parent / "envparity" / "orders" / "data"


@dataclass(frozen=True)
class Aim:
    """One row of the table: a graph, a strength, how many orders are aimed at, and what others need."""

    name: str
    graph: Graph
    strength: int
    rows: int
    others: str = ""
    seed: int = 0


def unrelated(steps: int) -> Graph:
    """Steps of which none requires another."""
    return Graph.of({f"s{at:02}": () for at in range(steps)})


def layered(layers: int, width: int, seed: int = 0) -> Graph:
    """Layers of equal width, each step requiring one random step of the layer before."""
    rng = np.random.default_rng(seed)
    requires: dict[str, tuple[str, ...]] = {}
    for layer in range(layers):
        for at in range(width):
            needs = (f"l{layer - 1}.{int(rng.integers(width))}",) if layer else ()
            requires[f"l{layer}.{at}"] = needs
    return Graph.of(requires)


def reference(report: Path | None) -> Graph:
    """The reference backend's graph: from a saved startup report, else as it stands in the shipped sets."""
    if report is None:
        report = min(SHIPPED.glob("*-t3.json"))
        return Graph.from_report(json.loads(report.read_text(encoding="utf-8"))["graph"])
    return Graph.from_report(json.loads(report.read_text(encoding="utf-8")))


def aims(report: Path | None) -> list[Aim]:
    """The rows of the table."""
    backend = reference(report)
    return [
        Aim("t=3 n=5", unrelated(5), 3, 7, "8 (NIST)"),
        Aim("t=3 n=10", unrelated(10), 3, 9, "14 (NIST)"),
        Aim("t=3 n=20", unrelated(20), 3, 11, "22 (NIST)", seed=2),
        Aim("t=3 n=30", unrelated(30), 3, 14, "28 (NIST)"),
        Aim("t=3 n=40", unrelated(40), 3, 16, "32 (NIST)"),
        Aim("t=3 layered 4x5", layered(4, 5), 3, 15, "28 (greedy)"),
        Aim("t=3 layered 5x8", layered(5, 8), 3, 23, "50 (greedy)"),
        Aim("t=3 layered 4x10", layered(4, 10), 3, 23, "50 (greedy)"),
        Aim("t=4 n=5", unrelated(5), 4, 29),
        Aim("t=4 n=10", unrelated(10), 4, 52, "64 (NIST)"),
        Aim("t=4 n=15", unrelated(15), 4, 76),
        Aim("t=4 n=20", unrelated(20), 4, 96, "122 (NIST)"),
        Aim("t=2 backend", backend, 2, 2),
        Aim("t=3 backend", backend, 3, 14),
        Aim("t=4 backend", backend, 4, 92),
    ]


def run(aim: Aim, limit_s: float) -> tuple[str, bool]:
    """Search, verify, and describe; the line of the table, and whether the aim was met."""
    bound = lower_bound(aim.graph, aim.strength)
    started, used = time.monotonic(), time.process_time()
    expired: Callable[[], bool] = lambda: time.monotonic() - started > limit_s  # noqa: E731 - a deadline, as a value
    found = search(
        aim.graph,
        aim.strength,
        seed=aim.seed,
        moves=UNLIMITED,
        enough=max(bound.rows, aim.rows),
        expired=expired,
    )
    wall_s, cpu_s = time.monotonic() - started, time.process_time() - used
    proof = verify(aim.graph, found.orders, aim.strength)
    met = proof.complete and len(found.orders) <= aim.rows
    line = (
        f"{aim.name:<18}{len(found.orders):>5}{aim.rows:>6}{bound.rows:>7}{found.greedy:>8}  {aim.others:<12}"
        f"{proof.covered:>7}/{proof.feasible:<8}{wall_s:>7.1f}{cpu_s:>7.1f}{found.moves:>10}  {'' if met else 'MISSED'}"
    )
    return line, met


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="rows whose name contains this")
    parser.add_argument("--seconds", type=float, default=LIMIT_S, help="wall seconds a row")
    parser.add_argument("--seed", type=int, help="another seed for every row")
    parser.add_argument("--report", type=Path, help="a saved startup report of the backend")
    options = parser.parse_args()
    print(
        f"{'':<18}{'rows':>5}{'aim':>6}{'bound':>7}{'greedy':>8}  {'others':<12}{'covered/feasible':>16}"
        f"{'wall s':>7}{'cpu s':>7}{'moves':>10}"
    )
    missed = 0
    for aim in aims(options.report):
        if options.only in aim.name:
            if options.seed is not None:
                aim = Aim(aim.name, aim.graph, aim.strength, aim.rows, aim.others, options.seed)  # noqa: PLW2901
            line, met = run(aim, options.seconds)
            missed += not met
            print(line, flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
