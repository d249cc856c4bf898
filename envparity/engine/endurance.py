"""One user who comes and goes some thousand times, and how much memory the replicas have after each round of that."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import cycle, islice

from envparity.engine.scenario_player import ScenarioPlayer
from envparity.engine.visits import quiet_visit, ways_to_go
from envparity.launch.controls import LookedAt
from envparity.launch.port import Stack
from envparity.launch.runtimes import late_collector
from envparity.launch.usage import usage_of
from envparity.launch.workers import SeesWorkers
from envparity.model.scenario import Scenario
from envparity.observe.memory import MemorySeen
from envparity.observe.transcript import is_broken

__all__ = ["endure"]

_ROUNDS = 7
_VISITS = 250  # in each round
_LONGEST_S = 120.0
_SETTLES_S = 0.3  # what is still being closed when the last one has gone


async def endure(player: ScenarioPlayer, stack: Stack, scenarios: Sequence[Scenario]) -> tuple[MemorySeen, ...]:
    """Make the visits, and look after each round.

    Nothing where no process can be seen or one collects its garbage late, where nobody comes and says nothing at first,
    where a visit went wrong, or where all of it takes more than two minutes.
    """
    scenario = quiet_visit(scenarios)
    if scenario is None or not isinstance(stack, SeesWorkers) or isinstance(stack, LookedAt):
        return ()
    seen_at = [await stack.workers(index) for index in range(stack.replica_count)]
    replicas = [tuple(sorted(workers.processes)) if workers is not None else () for workers in seen_at]
    if not all(replicas) or any([await late_collector(pid) for pids in replicas for pid in pids]):
        return ()
    ((_, script),) = await player.scripts(stack, [scenario])
    ways = cycle(ways_to_go(scenario))
    began = time.monotonic()
    seen: list[MemorySeen] = []
    for nth in range(1, _ROUNDS + 1):
        for way in islice(ways, _VISITS):
            (transcript,) = await player.plays_again(stack, [(way, script)])
            if is_broken(transcript) or time.monotonic() - began > _LONGEST_S:
                return ()
        await asyncio.sleep(_SETTLES_S)
        held = [await usage_of(pids) for pids in replicas]
        known = tuple(usage.memory_kib for usage in held if usage is not None)
        if len(known) < len(replicas):
            return ()  # a worker has gone: what it had is no matter of the next
        seen.append(MemorySeen(nth * _VISITS, known))
    return tuple(seen)
