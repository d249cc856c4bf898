"""The component graph: which startup step requires which, as the backend's own startup report says it.

There is no second copy of the graph: `Graph.from_report` reads `steps[].name` and `steps[].requires`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Literal, Self

from envparity.errors import ConfigurationError, Mistake

__all__ = ["Graph", "GraphStep", "Violation", "members", "ready"]


@dataclass(frozen=True)
class GraphStep:
    """One startup step and the steps that must have run before it."""

    name: str
    requires: tuple[str, ...] = ()


@dataclass(frozen=True)
class Violation:
    """One reason why an order is not a linear extension of a graph.

    `other` is the step that must come first for `precedence`, and empty otherwise.
    """

    kind: Literal["unknown", "repeated", "missing", "precedence"]
    step: str
    other: str = ""

    def __str__(self) -> str:
        if self.kind == "precedence":
            return f"{self.step} stands before {self.other}, which it requires"
        return {
            "unknown": f"{self.step} is no step of the graph",
            "repeated": f"{self.step} occurs twice",
            "missing": f"{self.step} does not occur",
        }[self.kind]


@dataclass(frozen=True)
class Graph:
    """An acyclic graph of named steps, in the sequence in which they were declared.

    Sets of steps are bit masks: bit i is the step `steps[i]`.

    Raises:
        ConfigurationError: names used twice, requirements that are no step, and cycles, all at once.
    """

    steps: tuple[GraphStep, ...]

    def __post_init__(self) -> None:
        mistakes = _mistakes(self.steps)
        if mistakes:
            raise ConfigurationError(mistakes)

    @classmethod
    def of(cls, requires: Mapping[str, Iterable[str]]) -> Self:
        """A graph from a mapping of each step to what it requires."""
        return cls(tuple(GraphStep(name, tuple(needs)) for name, needs in requires.items()))

    @classmethod
    def from_report(cls, report: Mapping[str, object]) -> Self:
        """The graph that a startup report declares: `steps[].name` and `steps[].requires`.

        Also reads what `to_json` gives.

        Raises:
            ConfigurationError: steps are missing or of the wrong shape, or the graph is none.
        """
        steps = report.get("steps")
        if not isinstance(steps, Sequence) or isinstance(steps, str):
            got = type(steps).__name__
            raise ConfigurationError([Mistake("startup report", 0, "steps", "a list of steps", got)])
        mistakes = [m for at, step in enumerate(steps) if (m := _shape_mistake(at, step)) is not None]
        if mistakes:
            raise ConfigurationError(mistakes)
        return cls(tuple(GraphStep(step["name"], tuple(step.get("requires") or ())) for step in steps))

    def to_json(self) -> dict[str, object]:
        """The graph as plain data, which `from_report` reads back."""
        return {"steps": [{"name": step.name, "requires": list(step.requires)} for step in self.steps]}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All steps, as declared."""
        return tuple(step.name for step in self.steps)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The bit of each step."""
        return {name: at for at, name in enumerate(self.names)}

    @cached_property
    def required(self) -> tuple[int, ...]:
        """For each step the mask of the steps that it requires directly."""
        return tuple(sum({1 << self.index[name] for name in step.requires}) for step in self.steps)

    @cached_property
    def canonical_indices(self) -> tuple[int, ...]:
        """The canonical order as indices: of the steps that may run, always the one declared first."""
        waiting = [mask.bit_count() for mask in self.required]
        heap = [at for at, count in enumerate(waiting) if not count]
        heapify(heap)
        order: list[int] = []
        while heap:
            at = heappop(heap)
            order.append(at)
            for later, mask in enumerate(self.required):
                if mask >> at & 1:
                    waiting[later] -= 1
                    if not waiting[later]:
                        heappush(heap, later)
        return tuple(order)

    @cached_property
    def canonical(self) -> tuple[str, ...]:
        """The canonical order: of the steps that may run, always the one declared first."""
        return tuple(self.names[at] for at in self.canonical_indices)

    @cached_property
    def before(self) -> tuple[int, ...]:
        """For each step the mask of all steps that must precede it (the transitive closure)."""
        closure = [0] * len(self.steps)
        for at in self.canonical_indices:
            mask = self.required[at]
            for earlier in members(mask):
                mask |= closure[earlier]
            closure[at] = mask
        return tuple(closure)

    @cached_property
    def after(self) -> tuple[int, ...]:
        """For each step the mask of all steps that must follow it."""
        closure = [0] * len(self.steps)
        for at, mask in enumerate(self.before):
            for earlier in members(mask):
                closure[earlier] |= 1 << at
        return tuple(closure)

    @cached_property
    def reduced(self) -> Graph:
        """The transitive reduction: the fewest requirements that allow exactly the same orders."""
        steps = []
        for at, step in enumerate(self.steps):
            implied = 0
            for earlier in members(self.required[at]):
                implied |= self.before[earlier]
            kept = self.required[at] & ~implied
            steps.append(GraphStep(step.name, tuple(self.names[earlier] for earlier in members(kept))))
        return Graph(tuple(steps))

    @cached_property
    def digest(self) -> str:
        """A stable hash (SHA-256, hex) of the orders that the graph allows.

        Two graphs with the same steps and the same transitive closure have the same digest, however they are written.
        """
        edges = sorted((step.name, sorted(step.requires)) for step in self.reduced.steps)
        return hashlib.sha256(json.dumps(edges, ensure_ascii=True, separators=(",", ":")).encode()).hexdigest()

    def violations(self, order: Sequence[str]) -> tuple[Violation, ...]:
        """Every reason why `order` is not a linear extension; none for one that is."""
        place = {name: at for at, name in reversed(list(enumerate(order)))}
        found = [Violation("unknown", name) for name in place if name not in self.index]
        found += [Violation("repeated", name) for at, name in enumerate(order) if place[name] != at]
        found += [Violation("missing", name) for name in self.names if name not in place]
        for step in self.steps:
            for name in step.requires:
                if step.name in place and name in place and place[step.name] < place[name]:
                    found.append(Violation("precedence", step.name, name))
        return tuple(found)

    def allows(self, order: Sequence[str]) -> bool:
        """Whether `order` is a linear extension: every step once, each after all that it requires."""
        return not self.violations(order)


def members(mask: int) -> list[int]:
    """The indices in a bit mask, ascending."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def ready(graph: Graph, done: int) -> list[int]:
    """The steps that may run once those in the mask `done` have, in the sequence of the canonical order."""
    return [at for at in graph.canonical_indices if not done >> at & 1 and not graph.required[at] & ~done]


def _shape_mistake(at: int, step: object) -> Mistake | None:
    if not isinstance(step, Mapping) or not isinstance(step.get("name"), str):
        return Mistake("startup report", 0, f"steps[{at}].name", "a step with a name", repr(step)[:80])
    requires = step.get("requires") or []
    if not isinstance(requires, Sequence) or isinstance(requires, str) or any(not isinstance(r, str) for r in requires):
        return Mistake("startup report", 0, f"steps[{at}].requires", "a list of names of steps", repr(requires)[:80])
    return None


def _mistakes(steps: Sequence[GraphStep]) -> list[Mistake]:
    known = {step.name for step in steps}
    mistakes = []
    seen: set[str] = set()
    for step in steps:
        if step.name in seen:
            mistakes.append(Mistake("graph", 0, step.name, "each step once", "the name a second time"))
        seen.add(step.name)
        mistakes += [
            Mistake("graph", 0, f"{step.name}.requires", "the name of a step", repr(name))
            for name in step.requires
            if name not in known
        ]
    mistakes += [
        Mistake("graph", 0, cycle[0], "no cycle of requirements", " requires ".join([*cycle, cycle[0]]))
        for cycle in _cycles(steps)
    ]
    return mistakes


def _cycles(steps: Sequence[GraphStep]) -> list[list[str]]:
    """One cycle out of every knot of steps that require one another."""
    requires: dict[str, set[str]] = {step.name: set() for step in steps}
    for step in steps:
        requires[step.name].update(name for name in step.requires if name in requires)
    cycles: list[list[str]] = []
    while True:
        while free := [name for name, needs in requires.items() if not needs]:
            for name in free:
                del requires[name]
            for needs in requires.values():
                needs.difference_update(free)
        if not requires:
            return cycles
        path: dict[str, None] = {}
        name = next(iter(requires))
        while name not in path:
            path[name] = None
            name = min(requires[name])
        walked = list(path)
        cycle = walked[walked.index(name) :]
        cycles.append(cycle)
        for member in cycle:
            requires[member] = set()
