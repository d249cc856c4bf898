"""How many boots finding a cause takes: envparity's isolation, `envbisect` and `envcause` on the same failures.

    python benchmarks/bench_causes.py [--problems 500] [--seed 1]

A failure is k differences among n that fail when all of them are there. Every method gets the same failures and an
oracle in this process; what is counted is sets of differences that were asked about, each once (all three remember
their answers), and neither the two environments themselves nor what verifies the result. Every answer is held against
the true one.

Neither package takes an oracle in its front door: `envbisect.diagnose` and `envcause.reduce_environment` run a command
for each candidate environment. Both have their reduction beside it as a function that does, which is what that front
door calls: `envbisect.ddmin.ddmin(changes, test)` with a `Status` for an answer, and `envcause.core.ddmin(items,
fails)` with a truth value. The latter asks some sets again, which its front door answers from a cache; so does this.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
from collections.abc import Iterator, Sequence
from importlib import import_module

from envparity.isolate import Outcome, isolate

Names = frozenset[str]


class Oracle:
    """Fails where the whole cause is there. Knows which sets it was asked about."""

    def __init__(self, cause: Names) -> None:
        self._cause = cause
        self.asked: set[Names] = set()

    def fails(self, several: Names) -> bool:
        self.asked.add(several)
        return self._cause <= several


def of_envparity(names: Sequence[str], oracle: Oracle) -> tuple[Names, int]:
    """The cause, and the boots of the search."""

    async def test(several: Names) -> Outcome:
        return Outcome.SHOWS if oracle.fails(several) else Outcome.PASSES

    found = asyncio.run(isolate(names, test, most=10_000))
    if not found.verified or len(found.causes) != 1:
        raise AssertionError(f"not found: {found}")
    return frozenset(found.causes[0]), found.boots


def of_envbisect(names: Sequence[str], oracle: Oracle) -> tuple[Names, int]:
    """The same of envbisect's ddmin."""
    models = import_module("envbisect.models")
    changes = [models.Change(name, "passing", "failing", True, True) for name in names]  # noqa: FBT003  its signature

    def test(several: Sequence[object]) -> object:
        failed = oracle.fails(frozenset(change.key for change in several))  # type: ignore[attr-defined]
        return models.Status.FAIL if failed else models.Status.PASS

    found = import_module("envbisect.ddmin").ddmin(changes, test)
    return frozenset(change.key for change in found), len(oracle.asked)


def of_envcause(names: Sequence[str], oracle: Oracle) -> tuple[Names, int]:
    """The same of envcause's ddmin."""
    core = import_module("envcause.core")
    changes = [core.EnvChange(name, "passing", "failing") for name in names]
    found, _ = core.ddmin(changes, lambda several: oracle.fails(frozenset(change.key for change in several)))
    return frozenset(change.key for change in found), len(oracle.asked)


METHODS = {"envparity": of_envparity, "envbisect": of_envbisect, "envcause": of_envcause}


def problems(count: int, size: int, parts: int, seed: int) -> Iterator[tuple[tuple[str, ...], Names]]:
    """So many failures, the same for everybody."""
    drawn = random.Random(f"{seed} {size} {parts}")  # noqa: S311  a benchmark is no secret
    names = tuple(f"SETTING_{at:03}" for at in range(size))
    for _ in range(count):
        yield names, frozenset(drawn.sample(names, parts))


def main() -> None:
    """Print one table: mean and worst number of boots."""
    parser = argparse.ArgumentParser(description="Boots that finding a cause takes.")
    parser.add_argument("--problems", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(f"mean and worst number of boots, {arguments.problems} failures each, verification not counted\n")
    print("differences  cause" + "".join(f"{name:>18}" for name in METHODS))
    for size in (46, 100):
        for parts in (1, 2, 3):
            cells = []
            for method in METHODS.values():
                counts = []
                for names, cause in problems(arguments.problems, size, parts, arguments.seed):
                    found, boots = method(names, Oracle(cause))
                    if found != cause:
                        raise AssertionError(f"{method.__name__} found {sorted(found)} and not {sorted(cause)}")
                    counts.append(boots)
                cells.append(f"{statistics.mean(counts):10.1f}{max(counts):8}")
            print(f"{size:>11}{parts:>7}" + "".join(cells))


if __name__ == "__main__":
    main()
