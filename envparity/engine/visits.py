"""A user who comes and goes again and again and says nothing, and what dependencies hold of that afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice, takewhile

import msgspec

from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.controls import SaysHoldings
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Drop, Expect, ExpectBytes, ExpectJson, ExpectText, ExpectUnordered
from envparity.observe.plays import is_broken
from envparity.observe.usage import Visits

__all__ = ["quiet_visit", "visit", "ways_to_go"]

_ROUNDS = (2, 10, 10)
"""How many visits are made before each look. The first ones leave what a user has who was never there."""

_HEARS = (Expect, ExpectText, ExpectJson, ExpectBytes, ExpectUnordered)
_NORMAL = 1000
_LOOKS = 50
_BETWEEN_LOOKS_S = 0.1

_Held = Mapping[str, dict[str, int]]


def quiet_visit(scenarios: Sequence[Scenario]) -> Scenario | None:
    """How somebody comes with a good credential, hears what is said at first, and has said nothing yet.

    It is the beginning of the first scenario that begins so; None where none does.
    """
    for scenario in scenarios:
        steps = tuple(takewhile(lambda step: isinstance(step, (Connect, *_HEARS)), scenario.steps))
        connects = [step for step in steps if isinstance(step, Connect)]
        if not connects or steps[0] is not connects[0] or len(connects) > 1:
            continue
        (connect,) = connects
        usual = scenario.part == "usual" and not scenario.disruptive and scenario.clients == 1
        good = connect.token == "valid" and connect.status == Connect("").status and not connect.polls  # noqa: S105
        beginning = msgspec.structs.replace(scenario, steps=steps, repeat=1)
        if usual and good and not beginning.takes_long:
            return beginning
    return None


async def visit(player: ScenarioPlayer, stack: Stack, scenarios: Sequence[Scenario]) -> tuple[Visits, ...]:
    """Make them, and look after each round; nothing where no dependency says what it holds, or a visit went wrong."""
    scenario = quiet_visit(scenarios)
    if scenario is None or not isinstance(stack, SaysHoldings) or not await stack.holdings():
        return ()
    ((_, script),) = await player.scripts(stack, [scenario])
    ways = cycle(ways_to_go(scenario))
    seen: list[Visits] = []
    made = 0
    for count in _ROUNDS:
        for way in islice(ways, count):
            (transcript,) = await player.plays_again(stack, [(way, script)])
            if is_broken(transcript):
                return ()
        made += count
        seen.append(Visits(made, dict(await _settled(stack, seen[-1].held if seen else None))))
    return tuple(seen)


def ways_to_go(scenario: Scenario) -> Iterator[Scenario]:
    """With a close, and without one, as who goes through a tunnel does."""
    (connect,) = (step for step in scenario.steps if isinstance(step, Connect))
    for goes in (Close(_NORMAL, on=connect.on), Drop(connect.on)):
        yield msgspec.structs.replace(scenario, steps=(*scenario.steps, goes))


async def _settled(stack: SaysHoldings, before: _Held | None) -> _Held:
    """What is held once what is being given back has been: for as long as it is more than before, some seconds."""
    held = await stack.holdings()
    for _ in range(_LOOKS):
        if before is None or not _is_more(held, before):
            break
        await asyncio.sleep(_BETWEEN_LOOKS_S)
        held = await stack.holdings()
    return held


def _is_more(held: _Held, before: _Held) -> bool:
    return any(
        count > before.get(name, {}).get(sort, 0) for name, sorts in held.items() for sort, count in sorts.items()
    )
