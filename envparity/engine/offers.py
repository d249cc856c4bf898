"""Clients that offer what carries their token before the subprotocols that they speak, and not behind them.

The order of an offer is the client's preference (RFC 6455 §4.1) among what it speaks; the token is none of that, and
libraries differ in where they put it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from envparity.conversation.resolving import ResolvedScenario
from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.observe.transcript import Transcript, is_broken

__all__ = ["play_token_first", "quick_ones", "token_first"]


def token_first(script: ResolvedScenario) -> ResolvedScenario | None:
    """The script with the token first in every offer; None where none of them carries one beside something else."""
    turned = {index: handshake.token_first for index, handshake in script.handshakes.items()}
    if not any(turned.values()):
        return None
    return replace(script, handshakes={index: turned[index] or usual for index, usual in script.handshakes.items()})


def quick_ones(scenarios: Iterable[Scenario], played: Collection[Transcript]) -> list[Scenario]:
    """Those of the usual scenarios that kept to their script, disturb nothing and wait for nothing long."""
    kept = {transcript.scenario for transcript in played} - {script.scenario for script in played if is_broken(script)}
    return [
        scenario
        for scenario in scenarios
        if scenario.name in kept
        and not (scenario.disruptive or scenario.needs_quiet or scenario.takes_long)
        and scenario.part == "usual"
    ]


async def play_token_first(
    player: ScenarioPlayer, stack: Stack, scenarios: Sequence[Scenario], played: Collection[Transcript]
) -> tuple[Transcript, ...]:
    """Play those of the scenarios that way that were played, kept to their script, and can be, each as a new user."""
    quick = quick_ones(scenarios, played)
    scripts = [(item, token_first(script)) for item, script in await player.scripts(stack, quick)]
    return await player.plays_again(stack, [(each_item, script) for each_item, script in scripts if script is not None])
