"""A conversation as data: what a client does, and what must come back.

`[[scenario]]` tables of a backend file become `Scenario`s. A step is a table with one key that names the action
(`{ connect = "valid", on = "a" }`), plus the action's options: the fields of the structs in `envparity.model.step`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, Literal

import msgspec

from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.model.step import (
    BreakAnswer,
    BreakRequest,
    Connect,
    Expect,
    ExpectClose,
    ExpectStep,
    ExpectUnordered,
    Http,
    JumpClock,
    Silence,
    Step,
    placeholders,
)
from envparity.model.step.sending import OPENED, SWITCHING

__all__ = ["MOST_CLIENTS", "MOST_REPEATED", "Rate", "Scenario", "Second", "expand", "required_settings"]

MOST_REPEATED = 100
"""How often anything may be asked to be repeated."""


MOST_CLIENTS = 200
"""How many clients may play a scenario at the same time."""

_PerSecond = Annotated[float, msgspec.Meta(gt=0, le=1000)]


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How fast the clients of a scenario go, all together: `connections` and `messages` in a second, None: at once."""

    connections: _PerSecond | None = None
    messages: _PerSecond | None = None


Second = Literal["differs", "same", "never"]
"""How it goes for a user who comes back: as it may be but alike everywhere, as the first time, or it is not played."""

_LONG_S = 1.0


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One conversation, played in every environment on the boot that it asks for.

    `carriers` names the way to hand over tokens: "" the backend's first, "each" all of them (see `expand`).
    A `disruptive` scenario restarts or stops something: it is played alone, after the others. In a `private` one,
    nothing that belongs to one user may reach another. `part` says when it is played: "usual" on its boot; "orders" on
    every boot that asks for an order or a timeline; "starting" while such a boot is starting and something that it
    needs is still out of reach. One that needs `replicas` is played where there are that many; one with `new_user`
    where its users have done nothing yet. `second` says how it goes for a user who comes back with the same
    credential and ids, which is played too but for "never". It is played `repeat` times in each boot, one play after
    the other. A `thorough` one is played only in a thorough run, or where it is asked for by its name.

    With `clients` it is played by that many at the same time, each a user of its own; where there is a `barrier`, which
    is there unless it is said, none says anything after its connecting before all are connected. `rate` is how
    fast they go; `served` of them at least must be served as the script says (None: all).
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
    thorough: bool = False
    second: Second = "differs"
    clients: Annotated[int, msgspec.Meta(ge=1, le=MOST_CLIENTS)] = 1
    barrier: bool | None = None
    rate: Rate = Rate()
    served: Annotated[int, msgspec.Meta(ge=1, le=MOST_CLIENTS)] | None = None
    steps: tuple[Step, ...] = ()

    @property
    def tells_workers_apart(self) -> bool:
        """Whether it asks which process answers a connection."""
        return any(isinstance(step, Connect) and step.other_worker_than for step in self.steps)

    @property
    def waits_for_all(self) -> bool:
        """Whether its clients wait for one another once they are connected."""
        return self.clients > 1 and self.barrier is not False

    @property
    def needs_quiet(self) -> bool:
        """Whether what is played beside it would change how it goes, or the other way round."""
        return self.tells_workers_apart or self.clients > 1

    @property
    def plays_beside_others(self) -> bool:
        """Whether it is played once its boot has started, at the same time as others, and disturbs none of them."""
        return self.part == "usual" and not (self.disruptive or self.needs_quiet)

    @property
    def client_addresses(self) -> tuple[str, ...]:
        """The names by which its clients come from addresses of their own, in the order of the alphabet."""
        said = {step.source for step in self.steps if isinstance(step, Connect | Http)}
        return tuple(sorted(name for name in said if name is not None))

    @property
    def takes_long(self) -> bool:
        """Whether its script waits for more than the usual: a silence of over a second, an answer's own deadline."""
        return any(
            (isinstance(step, Silence) and step.seconds > _LONG_S) or getattr(step, "within_s", None) is not None
            for step in self.steps
        )

    @property
    def moves_clocks(self) -> bool:
        """Whether a replica's clock is another one from then on: whatever is played there again is played then."""
        return any(isinstance(step, JumpClock) for step in self.steps)

    @property
    def lets_nobody_in(self) -> bool:
        """Whether each of its connections is refused, or closed by the backend after one message at most."""
        connects = [step for step in self.steps if isinstance(step, Connect)]
        asks_before = any(isinstance(step, Http) for step in self.steps)
        return bool(connects) and not asks_before and all(map(self._is_turned_away, connects))

    def _is_turned_away(self, connect: Connect) -> bool:
        if connect.answer not in (OPENED, SWITCHING):
            return True
        steps = [step for step in self.steps if getattr(step, "on", "") == connect.on]
        return sum(map(_messages, steps)) <= 1 and any(isinstance(step, ExpectClose) for step in steps)

    def playable_in(self, environment: Environment) -> bool:
        """Whether that environment has the replicas for it, and lets one address come to all of them."""
        return self.replicas <= (1 if environment.ingress.affinity == "address" else environment.platform.replicas)


def _messages(step: Step) -> int:
    """How many messages of the peer it waits for."""
    match step:
        case Expect(types=types):
            return len(types) or 1
        case ExpectUnordered(frames=frames):
            return len(frames)
        case _:
            return isinstance(step, ExpectStep)


def expand(scenario: Scenario, carriers: Collection[str]) -> tuple[Scenario, ...]:
    """One scenario for each carrier where it asks for that, and for each request or answer that is lost in turn.

    They are called `conversation[header]` and `lost[3]`; where it asks for neither, it is the scenario itself.
    """
    if scenario.carriers == "each":
        by_carrier = [
            msgspec.structs.replace(scenario, name=f"{scenario.name}[{carrier}]", carriers=carrier)
            for carrier in carriers
        ]
    else:
        by_carrier = [scenario]
    return tuple(one_of_them for each_scenario in by_carrier for one_of_them in _for_each_in_turn(each_scenario))


def _for_each_in_turn(scenario: Scenario) -> Iterator[Scenario]:
    steps = scenario.steps
    for index, step in enumerate(steps):
        match step:
            case BreakAnswer(nth=(first, last)) | BreakRequest(nth=(first, last)):
                for nth in range(first, last + 1):
                    broken = msgspec.structs.replace(step, nth=nth)
                    yield msgspec.structs.replace(
                        scenario, name=f"{scenario.name}[{nth}]", steps=(*steps[:index], broken, *steps[index + 1 :])
                    )
                return
            case _:
                pass
    yield scenario


def required_settings(scenario: Scenario) -> frozenset[str]:
    """The settings that every environment must give for this scenario to be playable."""
    return frozenset(name for kind, name in placeholders(scenario.steps) if kind in {"setting", "first"})
