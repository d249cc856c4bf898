"""Covering sets at hand: shipped with the package, remembered in a folder, or searched for now.

A set is found by the digest of its graph and its strength, and is used only after `verify` has proved that it covers
the graph at hand; a file that is broken, or covers less than it says, is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from envparity.orders.covering.anneal import never
from envparity.orders.covering.bounds import LowerBound, lower_bound
from envparity.orders.covering.search import search
from envparity.orders.covering.verify import Coverage, verify
from envparity.orders.graph import Graph

__all__ = ["FALLBACK_MOVES", "CoveringSet", "covering_set", "improve", "remember"]

FALLBACK_MOVES = {2: 30_000, 3: 60_000, 4: 10_000}
"""How long to search when nothing is at hand, in re-insertions: within 2 s for about 20 steps."""

Origin = Literal["shipped", "cache", "search"]


@dataclass(frozen=True)
class CoveringSet:
    """Orders that together contain every sequence of `strength` steps that the graph allows.

    `coverage` is what the independent verifier counted; `bound` says how many orders any such set needs.
    """

    graph: Graph
    strength: int
    orders: tuple[tuple[str, ...], ...]
    seed: int
    moves: int
    origin: Origin
    coverage: Coverage
    bound: LowerBound

    def __str__(self) -> str:
        optimal = " (no set is smaller)" if len(self.orders) == self.bound.rows else f" (at least {self.bound.rows})"
        return f"{self.coverage}{optimal}; {self.origin}"

    def to_json(self) -> dict[str, object]:
        """The set as plain data, with all that is needed to verify it and to search for it again."""
        return {
            "digest": self.graph.digest,
            "strength": self.strength,
            "size": len(self.orders),
            "lower_bound": self.bound.rows,
            "covered": self.coverage.covered,
            "feasible": self.coverage.feasible,
            "seed": self.seed,
            "moves": self.moves,
            "graph": self.graph.to_json(),
            "orders": [list(order) for order in self.orders],
        }


def covering_set(
    graph: Graph,
    strength: int,
    *,
    seed: int = 0,
    cache: Path | None = None,
    expired: Callable[[], bool] = never,
) -> CoveringSet:
    """A covering set without waiting: the smallest of those shipped and cached, else one from a short search.

    `cache` is a folder, made when it is missing, in which the result of the search is remembered. Use `improve` for a
    search that takes its time.
    """
    found = [at_hand for at_hand in _at_hand(graph, strength, cache) if at_hand is not None]
    if found:
        return min(found, key=lambda value: len(value.orders))
    return improve(graph, strength, seed=seed, moves=FALLBACK_MOVES[strength], cache=cache, expired=expired)


def improve(
    graph: Graph,
    strength: int,
    *,
    moves: int,
    seed: int = 0,
    cache: Path | None = None,
    expired: Callable[[], bool] = never,
) -> CoveringSet:
    """Search with a budget of `moves` re-insertions, and remember the result in `cache` if it is the smallest so far.

    Deterministic for a seed and a budget, unless `expired()` ends the search early.
    """
    bound = lower_bound(graph, strength)
    found = search(graph, strength, seed=seed, moves=moves, enough=bound.rows, expired=expired)
    coverage = verify(graph, found.orders, strength)
    result = CoveringSet(graph, strength, found.orders, seed, found.moves, "search", coverage, bound)
    if cache is not None:
        known = _read(cache / _file_name(graph, strength), graph, strength, "cache")
        if known is None or len(result.orders) < len(known.orders):
            remember(result, cache)
    return result


def remember(found: CoveringSet, folder: Path) -> Path:
    """Write a set into a folder, whole or not at all; the file that holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / _file_name(found.graph, found.strength)
    draft = target.with_suffix(".draft")
    draft.write_text(_as_text(found), encoding="utf-8")
    return draft.replace(target)


def _as_text(found: CoveringSet) -> str:
    """JSON with one order a line."""
    orders = ",\n".join(f"    {json.dumps(order)}" for order in found.orders)
    head = json.dumps({**found.to_json(), "orders": []}, indent=2)
    return head.replace('"orders": []', f'"orders": [\n{orders}\n  ]') + "\n"


def _file_name(graph: Graph, strength: int) -> str:
    return f"{graph.digest[:16]}-t{strength}.json"


def _at_hand(graph: Graph, strength: int, cache: Path | None) -> Iterator[CoveringSet | None]:
    name = _file_name(graph, strength)
    yield _read(files("envparity.orders") / "data" / name, graph, strength, "shipped")
    if cache is not None:
        yield _read(cache / name, graph, strength, "cache")


def _read(file: Traversable | Path, graph: Graph, strength: int, origin: Origin) -> CoveringSet | None:
    if not file.is_file():
        return None
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        orders = tuple(tuple(str(name) for name in order) for order in document["orders"])
        seed, moves = int(document["seed"]), int(document["moves"])
    except (ValueError, KeyError, TypeError):
        return None
    coverage = verify(graph, orders, strength)
    if not coverage.complete:
        return None
    return CoveringSet(graph, strength, orders, seed, moves, origin, coverage, lower_bound(graph, strength))
