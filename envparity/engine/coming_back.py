"""A user who comes back: each scenario once more with the same user, credential and ids, here and on another replica.

Beside it another user asks for the same at the same time, so that what is kept of the one and given to the other shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from envparity.conversation.resolving import ResolvedScenario
from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.observe.plays import is_broken, kept_to_script
from envparity.observe.record import SecondPlay
from envparity.observe.transcript import HandshakeAnswered, Transcript

__all__ = ["CameBack", "come_back", "comes_back"]

Seen = Callable[[Sequence[Transcript]], Awaitable[None]]

_AWAY_S = (0.2, 1.0)
"""How long a user is away before the second time; and, of a scenario that went otherwise then, before the next."""


async def _nobody(_played: Sequence[Transcript]) -> None:
    """Nobody wants to hear of it."""


@dataclass
class CameBack:
    """Plays of further users (`others`), and those of users who came back, in the order in which they were made."""

    others: list[Transcript] = field(default_factory=list)
    second: list[SecondPlay] = field(default_factory=list)


def comes_back(scenarios: Sequence[Scenario], played: Collection[Transcript], *, thorough: bool) -> list[Scenario]:
    """Those of the scenarios that are played a second time: of what was played and kept to its script.

    None that moves a clock, for that stays where it is. Without `thorough` not those whose script waits for long or
    disturbs, nor those that let nobody in: who is turned away leaves nothing behind that a second time could show.
    """
    kept = kept_to_script(played)
    return [
        scenario
        for scenario in scenarios
        if scenario.name in kept
        and scenario.second != "never"
        and not (scenario.needs_quiet or scenario.moves_clocks)
        and scenario.part != "starting"
        and (thorough or not (scenario.takes_long or scenario.disruptive or scenario.lets_nobody_in))
    ]


async def come_back(
    player: ScenarioPlayer, stack: Stack, scenarios: Sequence[Scenario], *, alone: bool = False, seen: Seen = _nobody
) -> CameBack:
    """Play each as a new user, and then again as the same one; with nothing beside it where it is to be `alone`.

    `seen` hears of each round, once its connections are closed.

    What is refused or late the second time, or not as the scenario promises, is tried with one more user, who is away
    for longer: what does not show again then was what the first time had left behind, and the judge sees both.
    """
    came_back = CameBack()
    left = list(scenarios)
    for away_s in _AWAY_S:
        left = await _once(player, stack, left, away_s, came_back, alone=alone, seen=seen)
        if not left:
            break
    return came_back


async def _once(
    player: ScenarioPlayer,
    stack: Stack,
    scenarios: Sequence[Scenario],
    away_s: float,
    into: CameBack,
    *,
    alone: bool,
    seen: Seen,
) -> list[Scenario]:
    """One user for each scenario; returns the scenarios that are to be tried with one who is away for longer."""
    firsts = await player.first_plays(stack, scenarios)
    into.others += [transcript for _, _, transcript in firsts]
    await seen([transcript for _, _, transcript in firsts])
    kept = [row for row in firsts if not is_broken(row[2])]
    if not kept:
        return []
    # What a user is away for, not a synchronisation: what is promised does not depend on it.
    await asyncio.sleep(away_s)
    back, beside = await asyncio.gather(
        player.plays_again(stack, [_again(stack, *row) for row in kept]),
        player.first_plays(stack, [] if alone else [scenario for scenario, _, _ in kept]),
    )
    into.others += [transcript for _, _, transcript in beside]
    await seen([*back, *(transcript for _, _, transcript in beside)])
    several = _has_replicas(stack)
    into.second += [SecondPlay(each_transcript, elsewhere=several, away_s=away_s) for each_transcript in back]
    if several:
        await asyncio.sleep(away_s)
        there = [(scenario, script, play) for (scenario, script, _), play in zip(kept, back, strict=True)]
        returned = await player.plays_again(stack, [_again(stack, *row) for row in there])
        into.second += [SecondPlay(each_transcript, away_s=away_s) for each_transcript in returned]
        back += returned
        await seen(returned)
    left = {each_transcript.scenario for each_transcript in back if each_transcript.departure is not None}
    refused = {
        each_transcript.scenario
        for each_transcript in back
        if each_transcript.departure is not None and each_transcript.departure.kind != "frame"
    }
    return [item for item, _, _ in kept if item.name in (left if item.second == "same" else refused)]


def _again(
    stack: Stack, scenario: Scenario, script: ResolvedScenario, before: Transcript
) -> tuple[Scenario, ResolvedScenario]:
    """The same script, on another replica than before where there are several."""
    if not _has_replicas(stack):
        return scenario, script
    where = {
        event.connection: event.replica
        for event in before.events
        if isinstance(event, HandshakeAnswered) and event.replica is not None
    }
    return scenario, replace(script, elsewhere_than=where)


def _has_replicas(stack: Stack) -> bool:
    """Whether who comes back may land on another one: not where the ingress keeps clients at theirs."""
    return stack.replica_count > 1 and stack.endpoint.affinity == "none"
