"""Clients whose handshake says the same in another way, as other libraries and browsers write it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from envparity.conversation.dialect import DIALECTS, Dialect
from envparity.conversation.resolving import ResolvedScenario
from envparity.engine.offers import quick_ones
from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.observe.beside import DialectPlay
from envparity.observe.transcript import Transcript, is_broken

__all__ = ["play_dialects"]

_OFFERS_A_LIST = 2


async def play_dialects(
    player: ScenarioPlayer, stack: Stack, scenarios: Sequence[Scenario], played: Collection[Transcript]
) -> tuple[DialectPlay, ...]:
    """Play the first scenario that kept to its script, and the first whose client offers several subprotocols.

    In all ways at once; where that goes otherwise, in each way by itself, and where none of them does, in all of them
    once more. Each play is that of a new user.
    """
    seen: list[DialectPlay] = []
    for scenario in _chosen(await player.scripts(stack, quick_ones(scenarios, played))):
        together = await _play(player, stack, scenario, DIALECTS)
        seen.append(together)
        if is_broken(together.transcript):
            alone = [await _play(player, stack, scenario, (way,)) for way in DIALECTS]
            seen += alone
            if not any(is_broken(play.transcript) for play in alone):
                seen.append(await _play(player, stack, scenario, DIALECTS))
    return tuple(seen)


def _chosen(scripts: Iterable[tuple[Scenario, ResolvedScenario]]) -> Collection[Scenario]:
    """One for each of the two, or one that is both; none that asks by long polling."""
    first: dict[bool, Scenario] = {}
    for scenario, script in scripts:
        handshakes = script.handshakes.values()
        if not handshakes or any(handshake.polling for handshake in handshakes):
            continue
        first.setdefault(any(len(handshake.offered) >= _OFFERS_A_LIST for handshake in handshakes), scenario)
    return first.values()


async def _play(player: ScenarioPlayer, stack: Stack, scenario: Scenario, ways: tuple[Dialect, ...]) -> DialectPlay:
    ((_, script),) = await player.scripts(stack, [scenario])
    written = {index: replace(handshake, written=ways) for index, handshake in script.handshakes.items()}
    (transcript,) = await player.plays_again(stack, [(scenario, replace(script, handshakes=written))])
    return DialectPlay(ways, transcript)
