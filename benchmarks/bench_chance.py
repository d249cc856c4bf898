"""How often a failure that shows by chance is told with a cause: true ones, false ones, and those with an innocent.

    python -m benchmarks.bench_chance [--false 100] [--true 60] [--seed ""]

Boots are simulated: 43 traits differ, and the search for causes is the product's own. "nothing does it": it showed in
the one environment first and not in the other, and shows in every further boot of anything at that rate, so that
whatever is named is wrong. "one trait does it": at that rate with this trait, and never without. What is named is
counted, and how many boots were made.
"""

from __future__ import annotations

import argparse
import asyncio
import random
from collections import Counter
from collections.abc import Callable
from unittest.mock import patch

from envparity.judge.cause import Cause, Chance, TraitsCause
from envparity.model.environment import Environment
from envparity.support.stalls import StallMeter, Stalls
from tests.envparity.engine.scripted_hybrids import explained, strict

CULPRIT = "MODE=strict"
WITHOUT_A_CULPRIT = (0.1, 0.3, 0.5, 0.7, 0.9, 0.95)
WITH_ONE = (0.3, 0.5, 0.7, 0.9, 1.0)


def named(cause: Cause | None) -> tuple[str, ...]:
    """The traits that are told as the cause, or as what changes the rate; none where that is told of no trait."""
    match cause:
        case TraitsCause(alternatives=alternatives):
            return tuple(trait for alternative in alternatives for trait in alternative)
        case Chance(changed_by=changed_by):
            return changed_by
        case _:
            return ()


async def told(rate: float, seed: str, does_it: Callable[[Environment], bool]) -> tuple[tuple[str, ...], int]:
    """What is named where it shows at that rate in whatever does it, and the boots that it took."""
    drawn = random.Random(f"{seed} {rate}")  # noqa: S311  a benchmark is no secret

    def fails(environment: Environment) -> bool:
        if environment.name in {"local", "staging"}:
            return environment.name == "staging"
        return does_it(environment) and drawn.random() < rate

    finding, launcher = await explained(fails)
    return named(finding.cause), len(launcher.booted)


async def row(rate: float, times: int, seed: str, does_it: Callable[[Environment], bool]) -> tuple[Counter[str], float]:
    """How often the culprit alone was named, others beside it, others without it, or nothing; and boots on average."""
    counted: Counter[str] = Counter()
    boots = 0
    for nth in range(times):
        traits, made = await told(rate, f"{seed}{nth}", does_it)
        alone = "culprit" if traits == (CULPRIT,) else "with innocents" if CULPRIT in traits else "innocents"
        counted[alone if traits else "nothing"] += 1
        boots += made
    return counted, boots / times


async def nothing(*_asked: object) -> tuple[()]:
    """Stacks that are no servers are asked for nothing."""
    return ()


def main() -> None:
    """Print a row for each rate."""
    parser = argparse.ArgumentParser(description="Causes that are told of what shows by chance.")
    parser.add_argument("--false", type=int, default=100, dest="without")
    parser.add_argument("--true", type=int, default=60, dest="having")
    parser.add_argument("--seed", default="")
    arguments = parser.parse_args()
    columns = ("culprit", "with innocents", "innocents", "nothing")
    print(f"{'':20}{'rate':>6}{'of':>6}" + "".join(f"{column:>16}" for column in columns) + f"{'boots':>8}")
    calm = patch.object(StallMeter, "since", lambda _meter, _mark: Stalls(1.0, 0.0, 0.0))
    unasked = patch("envparity.engine.observer.ask_from_other_origins", nothing)
    with calm, unasked:
        for title, rates, times, does_it in (
            ("nothing does it", WITHOUT_A_CULPRIT, arguments.without, lambda _environment: True),
            ("one trait does it", WITH_ONE, arguments.having, strict),
        ):
            for rate in rates:
                counted, boots = asyncio.run(row(rate, times, arguments.seed, does_it))
                cells = "".join(f"{counted[column]:>16}" for column in columns)
                print(f"{title:20}{rate:>6}{times:>6}{cells}{boots:>8.1f}", flush=True)


if __name__ == "__main__":
    main()
