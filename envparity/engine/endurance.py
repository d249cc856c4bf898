"""Who comes and goes some thousand times, and how much memory the replicas have after each round of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from itertools import cycle, islice

from envparity.engine.at_once import talks
from envparity.engine.scenario_player import ScenarioPlayer
from envparity.engine.visits import quiet_visit, ways_to_go
from envparity.judge.memory import goes_on
from envparity.launch.controls import LookedAt
from envparity.launch.port import Stack
from envparity.launch.runtimes import late_collector
from envparity.launch.usage import usage_of
from envparity.launch.workers import SeesWorkers
from envparity.model.scenario import Scenario
from envparity.observe.memory import MemorySeen
from envparity.observe.plays import is_broken
from envparity.observe.transcript import Transcript

__all__ = ["endure"]

_ROUNDS = 7
_VISITS = 250  # in each round
_CONVERSATIONS = 150
_USERS = 50  # who have them in turn: what is kept for each user is there after the first rounds
_TRIED = 8  # scenarios, for one that a user can say again
_LONGEST_S = 120.0
_SETTLES_S = 0.3  # what is still being closed when the last one has gone


async def endure(
    player: ScenarioPlayer, stack: Stack, scenarios: Sequence[Scenario], played: Collection[Transcript]
) -> tuple[MemorySeen, ...]:
    """Make visits of one user who says nothing, then conversations of some, and look after each round.

    Nothing where no process can be seen or one collects its garbage late. Neither of the two where no scenario is one,
    where one of them went wrong, or where all of them take more than two minutes.
    """
    if not isinstance(stack, SeesWorkers) or isinstance(stack, LookedAt):
        return ()
    seen_at = [await stack.workers(index) for index in range(stack.replica_count)]
    replicas = [tuple(sorted(workers.processes)) if workers is not None else () for workers in seen_at]
    if not all(replicas) or any([await late_collector(pid) for pids in replicas for pid in pids]):
        return ()
    seen: tuple[MemorySeen, ...] = ()
    if (quiet := quiet_visit(scenarios)) is not None:
        seen += await _in_rounds(_visits(player, stack, quiet), replicas, _VISITS)
    for said in islice(talks(scenarios, played), _TRIED):
        (user,) = await _users(player, stack, said, 1)
        had = [talk for _ in range(2) for talk in await player.of_users(stack, said, [user])]
        if not any(map(is_broken, had)):  # what it expects does not depend on what its user has said before
            return seen + await _in_rounds(_conversations(player, stack, said), replicas, _CONVERSATIONS, said.name)
    return seen


async def _visits(player: ScenarioPlayer, stack: Stack, quiet: Scenario) -> AsyncIterator[None]:
    """Rounds of them, until a visit goes wrong."""
    ((_, script),) = await player.scripts(stack, [quiet])
    ways = cycle(ways_to_go(quiet))
    while True:
        for way in islice(ways, _VISITS):
            (transcript,) = await player.plays_again(stack, [(way, script)])
            if is_broken(transcript):
                return
        yield


async def _conversations(player: ScenarioPlayer, stack: Stack, said: Scenario) -> AsyncIterator[None]:
    """Rounds of them, until one in which a conversation went wrong."""
    users = cycle(await _users(player, stack, said, _USERS))
    while True:  # one after the other: what several at once take differs from round to round
        had = [talk for user in islice(users, _CONVERSATIONS) for talk in await player.of_users(stack, said, [user])]
        if any(map(is_broken, had)):
            return
        yield


async def _users(player: ScenarioPlayer, stack: Stack, said: Scenario, count: int) -> list[str]:
    """The ids of so many who have said nothing yet; "" of one that the scenario does not name."""
    return [str(script.values.get("user", "")) for _, script in await player.scripts(stack, count * [said])]


async def _in_rounds(
    rounds: AsyncIterator[None], replicas: Sequence[tuple[int, ...]], each: int, scenario: str = ""
) -> tuple[MemorySeen, ...]:
    """What each replica has after each of the rounds; as many again where memory seems to grow with them.

    Where there is no time for these, what the first have shown is believed.
    """
    seen = await _some_rounds(rounds, replicas, each, scenario)
    if goes_on(seen):
        seen += await _some_rounds(rounds, replicas, each, scenario, len(seen))
    return seen


async def _some_rounds(
    rounds: AsyncIterator[None], replicas: Sequence[tuple[int, ...]], each: int, scenario: str, before: int = 0
) -> tuple[MemorySeen, ...]:
    """`_ROUNDS` of them, or nothing; `before` had been made already."""
    seen: list[MemorySeen] = []
    try:
        async with asyncio.timeout(_LONGEST_S):
            async for _ in rounds:
                await asyncio.sleep(_SETTLES_S)
                held = [await usage_of(pids) for pids in replicas]
                known = tuple(usage.memory_kib for usage in held if usage is not None)
                if len(known) < len(replicas):
                    return ()  # a worker has gone: what it had is no matter of the next
                seen.append(MemorySeen((before + len(seen) + 1) * each, known, scenario))
                if len(seen) == _ROUNDS:
                    return tuple(seen)
    except TimeoutError:
        pass
    return ()
