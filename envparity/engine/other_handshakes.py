"""Clients whose handshake says the same in another way: the token offered first, lists and names written otherwise.

The order of an offer is the client's preference (RFC 6455 §4.1) among what it speaks; the token is none of that, and
libraries differ in where they put it. How they and browsers write what they say is in `conversation.dialect`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from envparity.conversation.dialect import DIALECTS, Dialect
from envparity.conversation.resolving import ResolvedScenario
from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.observe.beside import PLAYS_TO_BLAME, DialectPlay
from envparity.observe.plays import kept_to_script
from envparity.observe.transcript import Transcript

__all__ = ["OtherHandshakes", "play_other_handshakes", "token_first"]

_OFFERS_A_LIST = 2

Rewrite = Callable[[ResolvedScenario], ResolvedScenario | None]
Plays = Sequence[Transcript]


@dataclass(frozen=True)
class OtherHandshakes:
    """Plays with the token first (`turned`) and in other `dialects`.

    `by_chance` are those that left their script where a further play of the same kept to it: what was said in another
    way has no part in that.
    """

    turned: tuple[Transcript, ...] = ()
    dialects: tuple[DialectPlay, ...] = ()
    by_chance: tuple[Transcript, ...] = ()


def token_first(script: ResolvedScenario) -> ResolvedScenario | None:
    """The script with the token first in every offer; None where none of them carries one beside something else."""
    turned = {index: handshake.token_first for index, handshake in script.handshakes.items()}
    if not any(turned.values()):
        return None
    return replace(script, handshakes={index: turned[index] or usual for index, usual in script.handshakes.items()})


async def play_other_handshakes(
    player: ScenarioPlayer, stack: Stack, scenarios: Iterable[Scenario], played: Collection[Transcript]
) -> OtherHandshakes:
    """Play what kept to its script that way, if it disturbs nothing and waits for nothing long.

    With the token first every scenario that has it elsewhere; in all dialects at once the first one, and the first
    whose client offers several subprotocols, and where that leaves the script, in each dialect by itself. What leaves
    it is played so again until it keeps to it, or has left it `PLAYS_TO_BLAME` times. Each play is that of a new user.
    """
    kept = kept_to_script(played)
    quick = [
        scenario
        for scenario in scenarios
        if scenario.name in kept and scenario.plays_beside_others and not scenario.takes_long
    ]
    scripts = await player.scripts(stack, quick)
    with_token = [(scenario, first) for scenario, script in scripts if (first := token_first(script)) is not None]
    plays_of_it = await player.plays_again(stack, with_token)
    turned, dialects, by_chance = list[Transcript](), list[DialectPlay](), list[Transcript]()
    for (scenario, _), play in zip(with_token, plays_of_it, strict=True):
        plays = await _again(player, stack, scenario, token_first, [play])
        turned += _to_judge(plays, by_chance)
    for scenario in _chosen(scripts):
        dialects += await _in_dialects(player, stack, scenario, by_chance)
    return OtherHandshakes(tuple(turned), tuple(dialects), tuple(by_chance))


async def _in_dialects(
    player: ScenarioPlayer, stack: Stack, scenario: Scenario, by_chance: list[Transcript]
) -> list[DialectPlay]:
    """Plays of that scenario in all dialects at once and, where that leaves the script, in those that do by themselves.

    Where none does, all of them at once are what is blamed.
    """
    together = await _further(player, stack, scenario, _written(DIALECTS))
    if together.departure is None:
        return [DialectPlay(DIALECTS, together)]
    seen: list[DialectPlay] = []
    is_told = False
    for way in DIALECTS:
        plays = await _again(player, stack, scenario, _written((way,)), ())
        is_told |= plays[-1].departure is not None
        seen += [DialectPlay((way,), play) for play in _to_judge(plays, by_chance)]
    plays = [together] if is_told else await _again(player, stack, scenario, _written(DIALECTS), [together])
    return [*(DialectPlay(DIALECTS, play) for play in _to_judge(plays, by_chance)), *seen]


async def _again(player: ScenarioPlayer, stack: Stack, scenario: Scenario, rewrite: Rewrite, plays: Plays) -> Plays:
    """These plays and further ones, until one keeps to its script or enough have left it."""
    seen = list(plays)
    while len(seen) < PLAYS_TO_BLAME and not any(play.departure is None for play in seen):
        seen.append(await _further(player, stack, scenario, rewrite))
    return seen


async def _further(player: ScenarioPlayer, stack: Stack, scenario: Scenario, rewrite: Rewrite) -> Transcript:
    ((_, script),) = await player.scripts(stack, [scenario])
    (transcript,) = await player.plays_again(stack, [(scenario, rewrite(script) or script)])
    return transcript


def _to_judge(plays: Plays, by_chance: list[Transcript]) -> Plays:
    """All of them where all left their script; else that which kept to it, the others being `by_chance`."""
    if plays[-1].departure is not None:
        return plays
    by_chance += plays[:-1]
    return plays[-1:]


def _written(ways: tuple[Dialect, ...]) -> Rewrite:
    def rewritten(script: ResolvedScenario) -> ResolvedScenario:
        written = {index: replace(handshake, written=ways) for index, handshake in script.handshakes.items()}
        return replace(script, handshakes=written)

    return rewritten


def _chosen(scripts: Iterable[tuple[Scenario, ResolvedScenario]]) -> Collection[Scenario]:
    """One for each of the two, or one that is both; none that asks by long polling."""
    first: dict[bool, Scenario] = {}
    for scenario, script in scripts:
        handshakes = script.handshakes.values()
        if not handshakes or any(handshake.polling for handshake in handshakes):
            continue
        first.setdefault(any(len(handshake.offered) >= _OFFERS_A_LIST for handshake in handshakes), scenario)
    return first.values()
