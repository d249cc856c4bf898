"""Playing the scenarios of a backend on one booted stack: which at the same time, which alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from envparity.conversation.contract.of_backend import contract_of
from envparity.conversation.driver import play
from envparity.conversation.preparing import prepare
from envparity.conversation.resolving import ResolvedScenario
from envparity.engine.events import Emit, ScenarioPlayed, Waiting
from envparity.launch.controls import LookedAt
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.observe.transcript import ConnectionClosed, HandshakeAnswered, HttpAnswered, Transcript

__all__ = ["ScenarioPlayer"]

_SCENARIOS_AT_ONCE = 6


class ScenarioPlayer:
    """Plays them and tells of each. `lost` says of a case that can no longer be reached why, and how many were left."""

    def __init__(self, backend: Backend, emit: Emit) -> None:
        self._backend, self._emit = backend, emit
        self._contract = contract_of(backend)
        self.lost: dict[str, tuple[str, int]] = {}

    async def peaceful(
        self, stack: Stack, scenarios: Sequence[Scenario], *, again: bool = False
    ) -> tuple[Transcript, ...]:
        """Play those that disturb nothing: several at a time, or one after the other where others use the backend.

        `again`: they were played before, so that nobody needs to be told of it.
        """
        chosen = [scenario for scenario in scenarios if not scenario.disruptive and scenario.part != "starting"]
        if isinstance(stack, LookedAt):
            return await self._one_by_one(stack, stack, chosen)
        at_once = asyncio.Semaphore(_SCENARIOS_AT_ONCE)

        async def played(scenario: Scenario) -> Transcript:
            async with at_once:
                return await self.play(scenario, stack, again=again)

        # Which process answers shows best where nothing else connects, and many clients are enough by themselves.
        beside = await asyncio.gather(*(played(scenario) for scenario in chosen if not scenario.needs_quiet))
        return *beside, *[await played(scenario) for scenario in chosen if scenario.needs_quiet]

    async def first_plays(
        self, stack: Stack, scenarios: Sequence[Scenario]
    ) -> list[tuple[Scenario, ResolvedScenario, Transcript]]:
        """Play each as another user than before, several at a time, and keep what it takes to play the same again."""

        async def first(scenario: Scenario) -> tuple[Scenario, ResolvedScenario, Transcript]:
            async with at_once:
                script = await prepare(scenario, stack, self._backend)
                return scenario, script, await play(scenario, stack, self._backend, self._contract, script=script)

        at_once = asyncio.Semaphore(_SCENARIOS_AT_ONCE)
        return list(await asyncio.gather(*map(first, scenarios)))

    async def scripts(self, stack: Stack, scenarios: Sequence[Scenario]) -> list[tuple[Scenario, ResolvedScenario]]:
        """What each would say of another user than before."""
        return [(scenario, await prepare(scenario, stack, self._backend)) for scenario in scenarios]

    async def of_users(self, stack: Stack, scenario: Scenario, users: Sequence[str]) -> tuple[Transcript, ...]:
        """Play it once for each of these users, by their ids, several at a time; nothing else of it was said before."""
        scripts = [(scenario, await prepare(scenario, stack, self._backend, user=user)) for user in users]
        return await self.plays_again(stack, scripts)

    async def plays_again(
        self, stack: Stack, scripts: Sequence[tuple[Scenario, ResolvedScenario]]
    ) -> tuple[Transcript, ...]:
        """Play these with the same users, credentials and ids, several at a time."""

        async def again(scenario: Scenario, script: ResolvedScenario) -> Transcript:
            async with at_once:
                return await play(scenario, stack, self._backend, self._contract, script=script)

        at_once = asyncio.Semaphore(_SCENARIOS_AT_ONCE)
        return tuple(await asyncio.gather(*(again(*pair) for pair in scripts)))

    async def disruptive(
        self, stack: Stack, scenarios: Sequence[Scenario], *, again: bool = False
    ) -> tuple[Transcript, ...]:
        """Play those that restart or stop something, one after the other."""
        played = []
        for scenario in scenarios:
            if scenario.disruptive:
                if not again:
                    self._emit(Waiting(stack.case.id, f"scenario {scenario.name}"))
                played.append(await self.play(scenario, stack, again=again))
        return tuple(played)

    async def _one_by_one(
        self, stack: Stack, deployed: LookedAt, scenarios: Sequence[Scenario]
    ) -> tuple[Transcript, ...]:
        """Until all are played, or what they are played against can no longer be reached."""
        played: list[Transcript] = []
        for scenario in scenarios:
            await deployed.renew()
            played.append(await self.play(scenario, stack))
            left = len(scenarios) - len(played)
            if _cut_short(played[-1]) and (why := await deployed.unreachable()):
                self.lost[stack.case.id] = why, left
                break
        return tuple(played)

    async def play(self, scenario: Scenario, stack: Stack, *, again: bool = False) -> Transcript:
        """Play it, and tell of it, unless it was played before."""
        transcript = await play(scenario, stack, self._backend, self._contract)
        if not again:
            departed = transcript.departure is not None
            self._emit(ScenarioPlayed(stack.case.id, scenario.name, departed, transcript.duration_s))
        return transcript


def _cut_short(transcript: Transcript) -> bool:
    """Whether a connection could not be had, or was lost without a word."""
    for event in transcript.events:
        match event:
            case HandshakeAnswered(status=0) | HttpAnswered(status=0) | ConnectionClosed(code=1006):
                return True
    return transcript.departure is not None and transcript.departure.kind == "timeout"
