"""A conversation as data: what a client does, and what must come back.

`[[scenario]]` tables of a backend file become `Scenario`s. A step is a table with one key that names the action
(`{ connect = "valid", on = "a" }`), plus the action's options: the fields of the structs in `envparity.model.step`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Literal

import msgspec

from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.model.step import Connect, Step, placeholders

__all__ = ["MOST_REPEATED", "Scenario", "expand", "required_settings"]

MOST_REPEATED = 100
"""How often anything may be asked to be repeated."""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One conversation, played in every environment on the boot that it asks for.

    `carriers` names the way to hand over tokens: "" the backend's first, "each" all of them (see `expand`).
    A `disruptive` scenario restarts or stops something: it is played alone, after the others. In a `private` one,
    nothing that belongs to one user may reach another. `part` says when it is played: "usual" on its boot; "orders" on
    every boot that asks for an order or a timeline; "starting" while such a boot is starting and something that it
    needs is still out of reach. One that needs `replicas` is played where there are that many; one with `new_user`
    where its users have done nothing yet. It is played `repeat` times in each boot, one play after the other.
    """

    name: str
    group: str = "conversation"
    title: str = ""
    carriers: str = ""
    disruptive: bool = False
    private: bool = False
    boot: Boot = Boot()
    part: Literal["usual", "orders", "starting"] = "usual"
    replicas: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    new_user: bool = False
    repeat: Annotated[int, msgspec.Meta(ge=1, le=MOST_REPEATED)] = 1
    steps: tuple[Step, ...] = ()

    @property
    def tells_workers_apart(self) -> bool:
        """Whether it asks which process answers a connection."""
        return any(isinstance(step, Connect) and step.other_worker_than for step in self.steps)

    def playable_in(self, environment: Environment) -> bool:
        """Whether that environment has the replicas for it, and lets one address come to all of them."""
        return self.replicas <= (1 if environment.ingress.affinity == "address" else environment.platform.replicas)


def expand(scenario: Scenario, carriers: Collection[str]) -> tuple[Scenario, ...]:
    """One scenario for each carrier where it asks for that: `conversation[header]`; otherwise the scenario itself."""
    if scenario.carriers != "each":
        return (scenario,)
    return tuple(
        msgspec.structs.replace(scenario, name=f"{scenario.name}[{carrier}]", carriers=carrier) for carrier in carriers
    )


def required_settings(scenario: Scenario) -> frozenset[str]:
    """The settings that every environment must give for this scenario to be playable."""
    return frozenset(name for kind, name in placeholders(scenario.steps) if kind in {"setting", "first"})
