"""How often each scenario is played in one boot: what differs between two plays of it differs by chance."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from envparity.conversation.answering import workers_of
from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.model.step import Connect
from envparity.observe.plays import is_broken
from envparity.observe.transcript import Transcript

__all__ = ["MOST_PLAYS", "MOST_PLAYS_OF_WORKERS", "play_again", "repeated"]

MOST_PLAYS = 5
"""How often a scenario of several connections is played at most, unless it says how often."""

MOST_PLAYS_OF_WORKERS = 14
"""The same where several worker processes share a port: of two, both connections come to one in every second play."""

_PLAYS_THAT_FAIL = 3
"""How often such a scenario is played at most that fails each time, and quickly; slowly: as often as any other."""

_QUICK_S = 1.0


async def play_again(
    player: ScenarioPlayer,
    stack: Stack,
    scenarios: Sequence[Scenario],
    played: Sequence[Transcript],
    others: Sequence[Transcript] = (),
) -> tuple[Transcript, ...]:
    """The peaceful scenarios a second time, and those of several connections until two of their plays are unlike.

    Which of several workers, or replicas, answers a connection is chance, and a second play is often answered alike;
    where several workers are seen it is played more often. Each play costs what it takes: one that is slow, or fails,
    is made less often. `others` are plays that were made beside the first; they count, and are among those returned.
    """
    plays: dict[str, list[Transcript]] = {each_transcript.scenario: [each_transcript] for each_transcript in played}
    control: list[Transcript] = list(others)
    for transcript in others:
        plays[transcript.scenario].append(transcript)
    most = MOST_PLAYS_OF_WORKERS if await _shares_ports(stack) else MOST_PLAYS
    left = [
        scenario
        for scenario in scenarios
        if scenario.name in plays
        and not scenario.disruptive
        and (len(plays[scenario.name]) == 1 or _is_worth_another(scenario, plays[scenario.name], most))
    ]
    while left:
        for transcript in await player.peaceful(stack, left, again=True):
            plays[transcript.scenario].append(transcript)
            control.append(transcript)
        left = [scenario for scenario in left if _is_worth_another(scenario, plays[scenario.name], most)]
    return tuple(control)


async def repeated(
    player: ScenarioPlayer, stack: Stack, scenarios: Sequence[Scenario], played: Sequence[Transcript]
) -> tuple[Transcript, ...]:
    """The plays that are left to be made of the scenarios that say how often they are played. Nobody stops these."""
    count = {each_scenario.name: 0 for each_scenario in scenarios}
    for transcript in played:
        count[transcript.scenario] = count.get(transcript.scenario, 0) + 1
    control: list[Transcript] = []
    while left := [
        each_scenario for each_scenario in scenarios if 0 < count[each_scenario.name] < each_scenario.repeat
    ]:
        again = await player.peaceful(stack, left, again=True) + await player.disruptive(stack, left, again=True)
        control += again
        for scenario in left:
            # What could not be played any more, because nothing can be reached, is not asked for again.
            count[scenario.name] += (
                1 if any(each_transcript.scenario == scenario.name for each_transcript in again) else scenario.repeat
            )
    return tuple(control)


async def _shares_ports(stack: Stack) -> bool:
    """Whether a replica is seen to have several worker processes."""
    return any(len(workers.processes) > 1 for workers in (await workers_of(stack)).values())


def _is_worth_another(scenario: Scenario, plays: Collection[Transcript], most: int) -> bool:
    broken = {is_broken(play) for play in plays}
    if len(broken) > 1 or not _has_several_connections(scenario):
        return False
    quick = max(play.duration_s for play in plays) <= _QUICK_S
    return quick and len(plays) < (_PLAYS_THAT_FAIL if broken == {True} else most)


def _has_several_connections(scenario: Scenario) -> bool:
    return len({step.on for step in scenario.steps if isinstance(step, Connect)}) > 1
