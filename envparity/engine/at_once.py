"""More clients at once than a pool has connections, while dependencies take a moment: whether all are served.

A handler that holds a connection while it waits for a second one serves each client by itself, and nobody where as many
ask at the same time as there are connections. Slow answers make sure that they do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.controls import Disturbable, LookedAt
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, ExpectStep, MessageStep, Send, Slow, Step
from envparity.observe.beside import AtOnce
from envparity.observe.plays import is_broken, kept_to_script
from envparity.observe.transcript import Transcript

__all__ = ["clients_at_once", "play_at_once", "slowed", "talks"]

_BEYOND_THE_POOL = 2
_USUAL_POOL = 10
_MOST = 40
_SLOW_S = 0.015
_TIMES = 2
_MORE_ALONE = 4
_TYPES = frozenset({"type", "kind", "event", "action", "method", "op"})


def clients_at_once(backend: Backend, settings: Mapping[str, str], replicas: int) -> int:
    """Some more than the connections of all replicas together; without a setting that says them, of a usual pool."""
    said = settings.get(backend.limits.pool_size or "", "")
    pool = int(said) if said.isascii() and said.isdigit() else _USUAL_POOL
    return min(pool * replicas + _BEYOND_THE_POOL, _MOST)


def slowed(scenario: Scenario, dependencies: Sequence[str]) -> Scenario | None:
    """The scenario with these dependencies slow from what is said first; None where nothing is, or nobody answers.

    It is said again before whatever else is said: there clients wait for one another, so that each thing is said by all
    of them at the same time.
    """
    said = [index for index, step in enumerate(scenario.steps) if isinstance(step, MessageStep)]
    if not said or not any(isinstance(step, Connect) for step in scenario.steps[: said[0]]):
        return None
    if not any(isinstance(step, ExpectStep) for step in scenario.steps[said[0] :]):
        return None
    steps: list[Step] = []
    for index, step in enumerate(scenario.steps):
        if index in said:
            steps += [Slow(name, _SLOW_S) for name in (dependencies if index == said[0] else dependencies[:1])]
        steps.append(step)
    return msgspec.structs.replace(scenario, steps=tuple(steps), repeat=1)


async def play_at_once(
    player: ScenarioPlayer,
    stack: Stack,
    scenarios: Sequence[Scenario],
    played: Collection[Transcript],
    *,
    backend: Backend,
    dependencies: Sequence[str],
    named: Collection[str] = (),
    thorough: bool = False,
) -> tuple[AtOnce, ...]:
    """Play the scenarios that kept to their script, each that says something else than one before, by many at once.

    Where not all of these were served it is played alone, and then both a second time; these plays are returned, of
    those alone the best one.
    Without `thorough` only those that are `named`, with or without the carrier in brackets.
    """
    if not isinstance(stack, Disturbable) or isinstance(stack, LookedAt) or not dependencies:
        return ()
    clients = clients_at_once(backend, stack.settings, stack.replica_count)
    wanted = [each for each in scenarios if thorough or {each.name, each.name.partition("[")[0]} & {*named}]
    seen: list[AtOnce] = []
    for scenario in _that_say_more(wanted, played):
        alone = slowed(scenario, dependencies)
        if alone is None:
            continue
        together = msgspec.structs.replace(alone, clients=clients)
        for _ in range(_TIMES):
            by_many = await player.play(together, stack, again=True)
            if not is_broken(by_many):
                break
            pair = await _beside_one_alone(player, stack, alone, by_many)
            seen.append(pair)
            if is_broken(pair.alone):
                break
    return tuple(seen)


async def _beside_one_alone(player: ScenarioPlayer, stack: Stack, alone: Scenario, by_many: Transcript) -> AtOnce:
    """The play by many, and the one by itself to which nothing came for the shortest time.

    What one alone waits for is the measure of a standstill, and on a busy machine also for the machine: where it is too
    long to tell, it is measured some times more.
    """
    pair = AtOnce(await player.play(alone, stack, again=True), by_many)
    for _ in range(_MORE_ALONE):
        if not pair.is_long or pair.stands_still:
            break
        again = AtOnce(await player.play(alone, stack, again=True), by_many)
        if is_broken(again.alone):
            return again
        pair = min(pair, again, key=lambda each: each.alone_s)
    return pair


def _that_say_more(scenarios: Sequence[Scenario], played: Collection[Transcript]) -> Iterator[Scenario]:
    """Those of `talks` that say something else than the ones before."""
    known: set[str] = set()
    for scenario in talks(scenarios, played):
        says = {_what(step) for step in scenario.steps if isinstance(step, MessageStep)}
        if says - known:
            yield scenario
        known |= says


def talks(scenarios: Sequence[Scenario], played: Collection[Transcript]) -> Iterator[Scenario]:
    """Those of one connection that kept to their script and say something, the longest first."""
    kept = kept_to_script(played)
    for scenario in sorted(scenarios, key=lambda each: len(each.steps), reverse=True):
        connects = [step for step in scenario.steps if isinstance(step, Connect)]
        says = any(isinstance(step, MessageStep) for step in scenario.steps)
        quick = scenario.plays_beside_others and not scenario.takes_long
        if scenario.name in kept and quick and says and len(connects) == 1:
            yield scenario


def _what(step: Step) -> str:
    """What is said, without its values: the names and words of a frame that has a type, the whole of any other."""
    if isinstance(step, Send):
        return " ".join(sorted(_named(name, value) for name, value in step.frame.items()))
    return repr(step)


def _named(name: str, value: object) -> str:
    return f"{name}={value}" if name in _TYPES else name
