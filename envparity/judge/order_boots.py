"""Which boots ask for an order, of initialisation or of dependencies, and with which boot each is to be compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from envparity.errors import ConfigurationError
from envparity.judge.startup_facts import started
from envparity.observe.record import Observation
from envparity.orders.graph import Graph, GraphStep

__all__ = ["OrderBoot", "forbidden_because", "order_boots"]


@dataclass(frozen=True)
class OrderBoot:
    """One boot with an order. `baseline` is the same environment's boot in the canonical order, where there is one.

    - canonical: the graph's own order, asked for by name; it has no baseline
    - order: another one that the graph allows
    - forbidden: one that it does not allow; `why` says why
    - timeline: an order in which the dependencies become reachable
    """

    observation: Observation
    kind: Literal["canonical", "order", "forbidden", "timeline"]
    baseline: Observation | None = None
    why: str = ""

    @property
    def comparable(self) -> Observation | None:
        """The baseline where it started well: what fails in the canonical order too is not the order's doing."""
        return self.baseline if self.baseline is not None and started(self.baseline) else None


def order_boots(observations: Sequence[Observation]) -> list[OrderBoot]:
    """Every boot with an order, in the order given. One with a dependency down is none: another rule judges it."""
    stood = [
        observation
        for observation in observations
        if observation.launch_failure is None and not observation.case.boot.down
    ]
    graphs = {
        name: _graph(name, stood) for name in dict.fromkeys(observation.case.environment for observation in stood)
    }
    usual = {
        name: [observation for observation in stood if _is_usual(observation, name, graph)]
        for name, graph in graphs.items()
    }
    return [
        _order_boot(observation, graphs[observation.case.environment], usual[observation.case.environment])
        for observation in stood
        if observation.case.boot.order or observation.case.boot.timeline
    ]


def forbidden_because(graph: Graph, order: Sequence[str]) -> str:
    """The first reason why no backend with that graph may accept the order; empty where it may.

    An order may name some of the steps only. A requirement counts through steps that are not named, too.
    """
    wrong = [violation for violation in graph.violations(order) if violation.kind in {"unknown", "repeated"}]
    if wrong:
        return str(wrong[0])
    for place, name in enumerate(order):
        for later in order[place + 1 :]:
            if graph.before[graph.index[name]] >> graph.index[later] & 1:
                return f"{name} stands before {later}, which it requires"
    return ""


def _order_boot(observation: Observation, graph: Graph | None, usual: Sequence[Observation]) -> OrderBoot:
    boot = observation.case.boot
    baseline = _baseline(observation, usual)
    why = forbidden_because(graph, boot.order) if graph is not None else ""
    if why:
        return OrderBoot(observation, "forbidden", why=why)
    if boot.timeline:
        return OrderBoot(observation, "timeline", baseline)
    if graph is not None and boot.order == graph.canonical:
        return OrderBoot(observation, "canonical")
    return OrderBoot(observation, "order", baseline)


def _is_usual(observation: Observation, environment: str, graph: Graph | None) -> bool:
    """Whether it is a boot of that environment in the canonical order, asked for or not."""
    boot = observation.case.boot
    canonical = graph is not None and boot.order == graph.canonical
    return observation.case.environment == environment and not boot.timeline and (canonical or not boot.order)


def _baseline(observation: Observation, usual: Sequence[Observation]) -> Observation | None:
    """The boot that was asked for the canonical order, else one that was not; cold or warm as this one, if there is."""

    def distance(other: Observation) -> tuple[bool, bool, bool]:
        boot = other.case.boot
        return (not boot.order, other.warm != observation.warm, boot.settings != observation.case.boot.settings)

    return min(usual, key=distance, default=None)


def _graph(environment: str, stood: Sequence[Observation]) -> Graph | None:
    """What the backend says of its steps in its own order: in this environment, else in another.

    Where every boot was asked for an order, the first is the canonical one.
    """
    own = [observation for observation in stood if observation.case.environment == environment]
    plain = [observation for observation in (*own, *stood) if not observation.case.boot.order]
    return next((graph for observation in (*plain, *own) for graph in _declared(observation)), None)


def _declared(observation: Observation) -> Iterator[Graph]:
    """The graph of each replica that declares one."""
    for replica in observation.replicas:
        if replica.startup is not None and replica.startup.steps:
            try:
                yield Graph(tuple(GraphStep(step.name, step.requires) for step in replica.startup.steps))
            except ConfigurationError:  # a cycle, or a requirement that is no step: another rule says so
                continue
