"""Observing one booted stack: how its startup ended, and how each scenario went on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from envparity.backend import Backend
from envparity.case import Case
from envparity.conversation.contract import Contract
from envparity.conversation.driver import play
from envparity.deployed.target import parse_target
from envparity.environment import Deployed
from envparity.events import Emit, ScenarioPlayed, Waiting
from envparity.launch.attached.stack import AttachedStack
from envparity.launch.port import Stack
from envparity.observe.record import Attached, Observation, Replica, Transcript
from envparity.scenario import Scenario

__all__ = ["Observer"]

_SCENARIOS_AT_ONCE = 6
_BETWEEN_EVENTS_S = 0.25
"""How far a timeline's events are apart: longer than a first attempt to connect, shorter than a step's deadline."""


class Observer:
    """Turns a stack into an observation. `launcher` and `run_id` go into it as they are, but for what is `attached`."""

    def __init__(
        self,
        backend: Backend,
        launcher: str,
        run_id: str,
        emit: Emit,
        attached: Mapping[str, Deployed] = MappingProxyType({}),
    ) -> None:
        self._attached = attached
        self._lost: dict[str, tuple[str, int]] = {}
        self._backend = backend
        self._launcher = launcher
        self._run_id = run_id
        self._emit = emit
        self._contract = Contract.load(backend.contract, frame_type=backend.frame_type) if backend.contract else None

    async def see_through(self, stack: Stack, scenarios: Sequence[Scenario]) -> tuple[tuple[Transcript, ...], float]:
        """Let the timeline of the stack's boot happen, and wait until startup has passed or failed.

        Returns the transcripts of the scenarios with part "starting" (played while something was still out of reach),
        and the seconds that it took.
        """
        began = time.monotonic()
        boot = stack.case.boot
        starting: tuple[Transcript, ...] = ()
        if boot.timeline and boot.unreachable_at_start:
            await stack.until_listening()
            early = [one for one in scenarios if one.part == "starting"]
            starting = tuple([await self._play(one, stack) for one in early])
        for event in boot.after_start:
            # A stimulus, not a synchronisation: whatever the backend does meanwhile, the outcome must be the same.
            await asyncio.sleep(_BETWEEN_EVENTS_S)
            if event.startswith("-"):
                await stack.cut_dependency(event[1:])
            else:
                await stack.restore_dependency(event)
        await stack.until_decided()
        return starting, round(time.monotonic() - began, 3)

    async def replicas(self, stack: Stack) -> list[Replica]:
        """How each replica is now."""
        return list(await asyncio.gather(*(stack.observe_replica(index) for index in range(stack.replica_count))))

    async def peaceful(self, stack: Stack, scenarios: Sequence[Scenario]) -> tuple[Transcript, ...]:
        """Play those that disturb nothing: several at a time, or one after the other where others use the backend."""
        chosen = [scenario for scenario in scenarios if not scenario.disruptive and scenario.part != "starting"]
        if isinstance(stack, AttachedStack):
            return await self._one_by_one(stack, chosen)
        at_once = asyncio.Semaphore(_SCENARIOS_AT_ONCE)

        async def one(scenario: Scenario) -> Transcript:
            async with at_once:
                return await self._play(scenario, stack)

        return tuple(await asyncio.gather(*(one(scenario) for scenario in chosen)))

    async def disruptive(self, stack: Stack, scenarios: Sequence[Scenario]) -> tuple[Transcript, ...]:
        """Play those that restart or stop something, one after the other."""
        played = []
        for scenario in scenarios:
            if scenario.disruptive:
                self._emit(Waiting(stack.case.id, f"scenario {scenario.name}"))
                played.append(await self._play(scenario, stack))
        return tuple(played)

    async def record(
        self,
        stack: Stack,
        first: Sequence[Replica],
        transcripts: Sequence[Transcript],
        timings: dict[str, float],
        *,
        warm: bool = False,
    ) -> Observation:
        """What this boot showed. `first` is how the replicas were when startup had ended."""
        last = await self.replicas(stack)
        attached = self._seen_attached(stack) if isinstance(stack, AttachedStack) else None
        return Observation(
            case=stack.case,
            launcher=self._launcher if attached is None else "attached",
            run_id=self._run_id,
            replicas=tuple(_both(one, other) for one, other in zip(first, last, strict=True)),
            settings=stack.fingerprints,
            transcripts=tuple(transcripts),
            timings=dict(stack.timings) | timings,
            infrastructure_logs={} if warm else await stack.infrastructure_logs(),
            attached=attached,
            warm=warm,
        )

    def nothing(self, case: Case, reason: str, *, warm: bool = False) -> Observation:
        """The observation of a case that could not be stood up."""
        deployed = self._attached.get(case.environment)
        attached = Attached(str(parse_target(deployed.url))) if deployed is not None else None
        launcher = self._launcher if attached is None else "attached"
        return Observation(case, launcher, self._run_id, launch_failure=reason, attached=attached, warm=warm)

    async def _one_by_one(self, stack: AttachedStack, scenarios: Sequence[Scenario]) -> tuple[Transcript, ...]:
        """Until all are played, or what they are played against can no longer be reached."""
        played: list[Transcript] = []
        for scenario in scenarios:
            await stack.renew()
            played.append(await self._play(scenario, stack))
            left = len(scenarios) - len(played)
            if _cut_short(played[-1]) and (why := await stack.unreachable()):
                self._lost[stack.case.id] = why, left
                break
        return tuple(played)

    def _seen_attached(self, stack: AttachedStack) -> Attached:
        lost, unplayed = self._lost.pop(stack.case.id, ("", 0))
        return Attached(stack.url, stack.certificate, tuple(stack.notes), lost, unplayed)

    async def _play(self, scenario: Scenario, stack: Stack) -> Transcript:
        transcript = await play(scenario, stack, self._backend, self._contract)
        departed = transcript.departure is not None
        self._emit(ScenarioPlayed(stack.case.id, scenario.name, departed, transcript.duration_s))
        return transcript


def _cut_short(transcript: Transcript) -> bool:
    """Whether a connection could not be had, or was lost without a word."""
    for entry in transcript.entries:
        if entry.kind == "handshake" and not entry.data.get("status"):
            return True
        if entry.kind == "close" and entry.data.get("code") == 1006:
            return True
    return transcript.departure is not None and transcript.departure.kind == "timeout"


def _both(first: Replica, last: Replica) -> Replica:
    """How a replica was after its startup, with how it ended and the end of its log."""
    return msgspec.structs.replace(first, exit_code=last.exit_code, oom_killed=last.oom_killed, log_tail=last.log_tail)
