"""Whether a replica, told to stop, waits for clients that are gone: the last thing that is done to a stack."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

import msgspec

from envparity.engine.scenario_player import ScenarioPlayer
from envparity.engine.visits import quiet_visit
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.controls import LookedAt, ReplicaControls
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Drop, MessageStep
from envparity.observe.plays import is_broken
from envparity.observe.stopping import StopSeen, too_long_s
from envparity.observe.transcript import HandshakeAnswered, Transcript

__all__ = ["stop_when_all_are_gone"]

_NORMAL = 1000
_EACH = 2
_LONGEST_S = 5.0


async def stop_when_all_are_gone(
    player: ScenarioPlayer, stack: Stack, scenarios: Sequence[Scenario], played: Sequence[Transcript], grace_s: float
) -> tuple[StopSeen, ...]:
    """Clients come and go, in each way in which one can; then the replica of the last is stopped, and stays so.

    Where that takes long it is started again and stopped with nobody having been there, and both once more: some wait
    before they stop whoever is there, for the platform to notice, and a machine may be busy for a moment. Nothing where
    it cannot be done.
    """
    beginning = quiet_visit(scenarios)
    if beginning is None or not isinstance(stack, ReplicaControls) or isinstance(stack, LookedAt):
        return ()
    (whole,) = (scenario for scenario in scenarios if scenario.name == beginning.name)
    answered_s = min(_LONGEST_S, max((play.duration_s for play in played if play.scenario == whole.name), default=0.0))
    seen: list[StopSeen] = []
    try:
        index = await _come_and_go(player, stack, whole, beginning, answered_s)
        if index is None:
            return ()
        seen.append(await _stop(stack, stack, index, had=True))
        for had in (False, True, False):
            if seen[-1].had and seen[-1].seconds < too_long_s(grace_s):
                break
            await stack.start_replica(index)
            if had and await _come_and_go(player, stack, whole, beginning, answered_s) != index:
                break
            seen.append(await _stop(stack, stack, index, had=had))
    except (DeadlineExceeded, LaunchError):  # what is wrong with a start is told elsewhere
        pass
    return tuple(seen)


async def _come_and_go(
    player: ScenarioPlayer, stack: Stack, whole: Scenario, beginning: Scenario, answered_s: float
) -> int | None:
    """The replica to which the last one came; None where one of them was not let in.

    What the last has asked for is worked off meanwhile: nobody waits for that in vain.
    """
    ((_, script),) = await player.scripts(stack, [whole])
    index: int | None = None
    for way in [each_way for each_way in _ways_to_go(whole, beginning) for _ in range(_EACH * stack.replica_count)]:
        (transcript,) = await player.plays_again(stack, [(way, script)])
        if is_broken(transcript):
            return None
        came = (event for event in transcript.events if isinstance(event, HandshakeAnswered))
        index = next((event.replica or 0 for event in came), 0)
    await asyncio.sleep(2 * answered_s)
    return index


def _ways_to_go(whole: Scenario, beginning: Scenario) -> Iterator[Scenario]:
    """With a close, without one, and with a question asked."""
    (connect,) = (step for step in beginning.steps if isinstance(step, Connect))
    says = whole.steps[len(beginning.steps) : len(beginning.steps) + 1]
    asks = says if says and isinstance(says[0], MessageStep) else ()
    for goes in ((Close(_NORMAL, on=connect.on),), (Drop(connect.on),), (*asks, Drop(connect.on))):
        yield msgspec.structs.replace(beginning, steps=(*beginning.steps, *goes))


async def _stop(stack: Stack, controls: ReplicaControls, index: int, *, had: bool) -> StopSeen:
    began = time.monotonic()
    await controls.stop_replica(index)
    seconds = round(time.monotonic() - began, 3)
    return StopSeen(index, had, seconds, (await stack.observe_replica(index)).exit_code)
