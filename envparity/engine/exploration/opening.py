"""How a conversation begins before it is explored: as the backend's own scenarios begin theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import msgspec

from envparity.conversation.contract.contract import Contract
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Expect, Send, Step
from envparity.model.step.sending import SWITCHING

__all__ = ["ScenarioOpening", "openings"]

_MOST: Final = 2


@dataclass(frozen=True)
class ScenarioOpening:
    """A scenario cut off where a client is free to speak, and the placeholders that it fills, by property."""

    scenario: Scenario
    known: dict[str, str]

    @property
    def connection(self) -> str:
        """The connection that is spoken on."""
        return next(step.on for step in self.scenario.steps if isinstance(step, Connect))


def openings(backend: Backend, contract: Contract) -> tuple[ScenarioOpening, ...]:
    """The ways to begin, the shortest first: until a client would first speak, and after a whole exchange.

    Of each, what its steps capture is known; and of what they expect, the ids that every such frame has. None where no
    peaceful scenario of one connection lets a client in.
    """
    asked = {name for message in contract.messages("sent") for branch in message.branches if branch.schema is not None
             for name, _ in branch.schema.below("properties").entries()}  # fmt: skip
    found: list[ScenarioOpening] = []
    for scenario in backend.scenarios:
        if not _is_plain(scenario):
            continue
        ends = [
            index for index, step in enumerate(scenario.steps) if isinstance(step, Send) and not step.breaks_contract
        ]
        if ends:
            found.append(_cut(scenario, scenario.steps[: ends[0]], asked, contract))
            after = scenario.steps[ends[0] : ends[1] if len(ends) > 1 else len(scenario.steps)]
            exchange = [step for step in after if isinstance(step, Send | Expect)]
            whole = _cut(scenario, (*scenario.steps[: ends[0]], *exchange), asked, contract)
            found += [whole] if whole.known else []
        else:
            steps = [step for step in scenario.steps if isinstance(step, Connect | Expect)]
            found.append(_cut(scenario, tuple(steps), asked, contract))
    shortest = sorted(found, key=lambda value: len(value.scenario.steps))
    most_known = sorted(found, key=lambda each_value: -len(each_value.known))
    return tuple(_unlike([*shortest[:1], *most_known[:1]]))


def _unlike(found: list[ScenarioOpening]) -> Iterator[ScenarioOpening]:
    seen: list[tuple[Step, ...]] = []
    for opening in found[:_MOST]:
        if opening.scenario.steps not in seen:
            seen.append(opening.scenario.steps)
            yield opening


def _is_plain(scenario: Scenario) -> bool:
    """Whether it is one peaceful conversation of one client that is let in."""
    connects = [step for step in scenario.steps if isinstance(step, Connect)]
    peaceful = scenario.part == "usual" and scenario.boot.steady and not scenario.disruptive
    begins = bool(scenario.steps) and isinstance(scenario.steps[0], Connect)
    let_in = len(connects) == 1 and connects[0].status == SWITCHING and connects[0].token in {"valid", "none"}
    let_in = let_in and not connects[0].polls
    return peaceful and begins and let_in and scenario.replicas == 1


def _cut(scenario: Scenario, steps: tuple[Step, ...], asked: set[str], contract: Contract) -> ScenarioOpening:
    known: dict[str, str] = {}
    read: list[Step] = []
    for step in steps:
        if isinstance(step, Expect):
            captured = dict(step.capture)
            known |= {place.rpartition(".")[2].rpartition("/")[2]: name for name, place in captured.items()}
            for name in sorted(_ids(contract, step) & asked - known.keys()):
                captured[f"given_{name}"] = name
                known[name] = f"given_{name}"
            read.append(msgspec.structs.replace(step, capture=captured))
        else:
            read.append(step)
    usable = {name: held for name, held in known.items() if name in asked}
    return ScenarioOpening(msgspec.structs.replace(scenario, steps=tuple(read)), usable)


def _ids(contract: Contract, step: Expect) -> set[str]:
    """The ids that the last frame of a step has for sure: texts that its message requires."""
    last = step.types[-1] if step.types else ""
    found: set[str] = set()
    for message in contract.messages("received"):
        for branch in message.branches:
            if branch.schema is None or last not in {
                str(value) for values in branch.constants.values() for value in values
            }:
                continue
            required = branch.schema.value.get("required", [])
            found |= {name for name in required if isinstance(name, str) and name.lower().endswith("id")}
    return found
