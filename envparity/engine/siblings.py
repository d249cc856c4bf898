"""Another connection of the same user that is closed while a scenario is played: whatever it had must not go with it.

It comes first, hears what its scenario's first connection hears, and says nothing. Two plays are held against each
other: one in which it goes once all others are connected, and one in which it stays, which says what a backend lets
several connections of one user do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.port import Stack
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect, Expect, ExpectClose, ExpectStep, Settle, Step
from envparity.model.step.sending import OPENED, SWITCHING
from envparity.observe.beside import SiblingPlay
from envparity.observe.plays import kept_to_script
from envparity.observe.transcript import HandshakeAnswered, Transcript

__all__ = ["SIBLING", "WithSibling", "play_beside_siblings", "with_sibling"]

SIBLING = "sibling"
"""What the connection is called that is there beside those of the script."""

_TIMES = 2
_ATTEMPTS = 3
_NORMAL = 1000
_NOTICED_S = 0.1
"""What a backend has to forget a connection that was closed. Whatever it tells the others then is taken."""


@dataclass(frozen=True)
class WithSibling:
    """A scenario with a further connection that `stays`, and that `goes`; `written` are the steps of the script's own.

    `written` has for each step that is played the index of the one in the scenario, or of the next.
    """

    scenario: Scenario
    stays: Scenario
    goes: Scenario
    written: tuple[int, ...]


def with_sibling(scenario: Scenario) -> WithSibling | None:
    """None where no connection is open at the end of connecting, or nothing is expected of one after that."""
    steps = scenario.steps
    connects = [index for index, step in enumerate(steps) if isinstance(step, Connect)]
    opened = [step.on for step in steps if isinstance(step, Connect)]
    answers = {step.answer for step in steps if isinstance(step, Connect)}
    if not connects or not answers <= {OPENED, SWITCHING} or SIBLING in opened or scenario.lets_nobody_in:
        return None
    first, last = connects[0], _heard(steps, connects[-1])
    if not any(isinstance(step, ExpectStep) and not isinstance(step, ExpectClose) for step in steps[last:]):
        return None
    closed = {step.on for step in steps[:last] if isinstance(step, Close | ExpectClose)}
    settles = tuple(Settle(_NOTICED_S, on=name) for name in dict.fromkeys(opened) if name not in closed)
    comes = tuple(_of_sibling(steps[first:last]))
    leaves = (Settle(_NOTICED_S / 2, on=SIBLING), Close(_NORMAL, on=SIBLING))

    def played(goes: tuple[Step, ...], last_of_all: tuple[Step, ...] = ()) -> Scenario:
        every = (*steps[:first], *comes, *steps[first:last], *goes, *settles, *steps[last:], *last_of_all)
        return msgspec.structs.replace(scenario, steps=every, repeat=1)

    written = (
        *range(first),
        *[first] * len(comes),
        *range(first, last),
        *[last] * (len(leaves) + len(settles)),
        *range(last, len(steps)),
        len(steps) - 1,
    )
    # What came to the one that stays, it takes at the end. Before that, either has as many steps.
    takes = Settle(_NOTICED_S / 2, on=SIBLING)
    return WithSibling(scenario, played((takes,) * len(leaves), (takes,)), played(leaves), written)


async def play_beside_siblings(
    player: ScenarioPlayer,
    stack: Stack,
    scenarios: Sequence[Scenario],
    played: Collection[Transcript],
    *,
    thorough: bool,
) -> tuple[SiblingPlay, ...]:
    """Play those that kept to their script and disturb nothing, each as a new user, with a sibling that goes.

    What left its script then is played on, with one that stays and with one that goes. Only the plays are returned of
    what is as its script says beside one that stays, and twice is not beside one that goes. Where there are several
    replicas a scenario is played until the sibling was, in one of its plays, on a replica of each of its connections.
    Without `thorough` not those whose script waits for long, nor those in which nobody hears anything that is not heard
    in another one.
    """
    kept = kept_to_script(played)
    left = [
        beside
        for scenario in scenarios
        if scenario.name in kept
        and scenario.plays_beside_others
        and (thorough or not scenario.takes_long)
        and (beside := with_sibling(scenario)) is not None
    ]
    left = left if thorough else list(_that_hear_more(left))
    suspects: dict[str, tuple[WithSibling, Transcript]] = {}
    met: dict[str, set[str]] = {each.scenario.name: set() for each in left}
    for _ in range(_ATTEMPTS):
        for beside, transcript in zip(left, await _play(player, stack, left, goes=True), strict=True):
            met[transcript.scenario] |= _met(transcript)
            if _harmed(transcript):
                suspects[transcript.scenario] = beside, transcript
        left = [
            each
            for each in left
            if each.scenario.name not in suspects and stack.replica_count > 1 and not _all_met(each, met)
        ]
        if not left:
            break
    plays = [SiblingPlay(transcript, gone=True) for _, transcript in suspects.values()]
    return await _confirmed(player, stack, [beside for beside, _ in suspects.values()], plays)


async def _confirmed(
    player: ScenarioPlayer, stack: Stack, suspects: Sequence[WithSibling], plays: list[SiblingPlay]
) -> tuple[SiblingPlay, ...]:
    """These plays and more of the same, with one that stays, and with one that goes until that does harm again."""
    left = list(suspects)
    for _ in range(_TIMES):
        stayed = await _play(player, stack, left, goes=False)
        plays += [SiblingPlay(transcript) for transcript in stayed]
        left = [each for each, transcript in zip(left, stayed, strict=True) if transcript.departure is None]
    confirmed: set[str] = set()
    for _ in range(_ATTEMPTS):
        if not left:
            break
        gone = await _play(player, stack, left, goes=True)
        plays += [SiblingPlay(transcript, gone=True) for transcript in gone]
        confirmed |= {transcript.scenario for transcript in gone if _harmed(transcript)}
        left = [each for each in left if each.scenario.name not in confirmed]
    return tuple(play for play in plays if play.transcript.scenario in confirmed)


async def _play(player: ScenarioPlayer, stack: Stack, chosen: Sequence[WithSibling], *, goes: bool) -> list[Transcript]:
    scripts = await player.scripts(stack, [each.goes if goes else each.stays for each in chosen])
    transcripts = await player.plays_again(stack, scripts)
    return [_as_written(transcript, each.written) for transcript, each in zip(transcripts, chosen, strict=True)]


def _as_written(transcript: Transcript, written: Sequence[int]) -> Transcript:
    """The transcript, its departure at the step of the scenario as it is written."""
    departure = transcript.departure
    if departure is None:
        return transcript
    return msgspec.structs.replace(
        transcript, departure=msgspec.structs.replace(departure, step=written[departure.step])
    )


def _harmed(transcript: Transcript) -> bool:
    """Whether it left its script on a connection of its own: what the sibling itself meets is no matter of it."""
    return transcript.departure is not None and transcript.departure.connection != SIBLING


def _met(transcript: Transcript) -> set[str]:
    """The connections that were on the replica of the sibling."""
    where = {event.connection: event.replica for event in transcript.events if isinstance(event, HandshakeAnswered)}
    return {name for name, replica in where.items() if name != SIBLING and replica == where.get(SIBLING)}


def _all_met(beside: WithSibling, met: dict[str, set[str]]) -> bool:
    return {step.on for step in beside.scenario.steps if isinstance(step, Connect)} <= met[beside.scenario.name]


def _that_hear_more(several: Sequence[WithSibling]) -> Iterator[WithSibling]:
    """Without those that expect nothing but what one before expects, where a user has as many connections."""
    known: set[object] = set()
    for beside in sorted(several, key=lambda each: len(each.scenario.steps), reverse=True):
        steps = beside.scenario.steps
        count = _most_of_one_user(steps)
        heard = {(count, _what(step)) for step in steps if isinstance(step, ExpectStep)}
        if heard - known:
            yield beside
        known |= heard


def _most_of_one_user(steps: Sequence[Step]) -> int:
    """How many connections the user has that has the most."""
    users = Counter({step.on: (step.user, step.user_id) for step in steps if isinstance(step, Connect)}.values())
    return max(users.values(), default=0)


def _what(step: ExpectStep) -> object:
    """What is expected, without the values: types, or the whole of what has none."""
    return step.types if isinstance(step, Expect) and step.types else repr(step)


def _heard(steps: Sequence[Step], index: int) -> int:
    """The first step behind that one which is no expectation."""
    while index + 1 < len(steps) and isinstance(steps[index + 1], ExpectStep):
        index += 1
    return index + 1


def _of_sibling(steps: Sequence[Step]) -> Iterator[Step]:
    """It connects as the first of these does, and hears what that one hears at first; nothing is captured."""
    connect = steps[0]
    if not isinstance(connect, Connect):
        return
    yield msgspec.structs.replace(connect, on=SIBLING, other_replica_than="", other_worker_than="", same_token_as="")
    for step in steps[1:]:
        if getattr(step, "on", connect.on) != connect.on:
            continue
        if not isinstance(step, ExpectStep):
            return
        alone: dict[str, Any] = {"capture": {}} if hasattr(step, "capture") else {}
        yield msgspec.structs.replace(step, on=SIBLING, **alone)
