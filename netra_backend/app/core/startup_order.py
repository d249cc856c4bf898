"""The component graph, and the one order in which the steps are run. Pure: no clock, no I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from netra_backend.app.core.failures import ORDER_REFUSED, StartupFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Step(Protocol):
    """What the order needs to know of a component."""

    @property
    def name(self) -> str: ...

    @property
    def requires(self) -> tuple[str, ...]: ...


class OrderRefused(StartupFailure):
    """STARTUP_ORDER names an unknown step, names one twice, or contradicts the graph."""

    def __init__(self, description: str) -> None:
        action = "Correct STARTUP_ORDER, or leave it out: the canonical order is always legal."
        super().__init__(ORDER_REFUSED, description, action, component="startup_order")


def ancestors(steps: Sequence[Step]) -> Mapping[str, frozenset[str]]:
    """Everything that each step requires, directly or through others. `steps` stand in a legal order."""
    known: dict[str, frozenset[str]] = {}
    for step in steps:
        if missing := [name for name in step.requires if name not in known]:
            raise ValueError(f"{step.name} requires {missing[0]}, which does not stand before it")
        known[step.name] = frozenset(step.requires).union(*(known[name] for name in step.requires))
    return known


def startup_order(steps: Sequence[Step], priorities: Sequence[str] = ()) -> tuple[str, ...]:
    """The order that honours the priorities: each named step as early as its requirements allow, then the rest.

    `steps` stand in the canonical order, which fills in whatever the priorities leave open. Raises OrderRefused when
    no legal order has the named steps in the sequence given.
    """
    required = ancestors(steps)
    _refuse_contradictions(required, priorities)
    order: dict[str, None] = {}
    for wanted in (*priorities, *required):
        for name in required:
            if name in required[wanted]:
                order.setdefault(name)
        order.setdefault(wanted)
    return tuple(order)


def _refuse_contradictions(required: Mapping[str, frozenset[str]], priorities: Sequence[str]) -> None:
    for position, name in enumerate(priorities):
        if name not in required:
            raise OrderRefused(f"STARTUP_ORDER names {name!r}, which is no startup step.")
        if name in priorities[:position]:
            raise OrderRefused(f"STARTUP_ORDER names {name!r} twice.")
        for later in priorities[position + 1 :]:
            if later in required[name]:
                raise OrderRefused(f"STARTUP_ORDER puts {name!r} before {later!r}, which it requires.")
