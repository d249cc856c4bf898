"""Observing one booted stack: how its startup ended, and how each scenario went on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from envparity.conversation.contract import Contract
from envparity.conversation.driver import play
from envparity.engine.events import Emit, ScenarioPlayed, Waiting
from envparity.launch.attached.stack import AttachedStack
from envparity.launch.port import CountsProcessors, RanJobs, Stack
from envparity.model.backend import Backend
from envparity.model.case import Case
from envparity.model.deployed.target import parse_target
from envparity.model.environment import Deployed
from envparity.model.scenario import Scenario
from envparity.observe.record import Attached, Observation, Replica
from envparity.observe.transcript import (
    ConnectionClosed,
    HandshakeAnswered,
    HttpAnswered,
    Transcript,
    in_order_of_interest,
)
from envparity.redaction import Redaction

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

    async def peaceful(
        self, stack: Stack, scenarios: Sequence[Scenario], *, again: bool = False
    ) -> tuple[Transcript, ...]:
        """Play those that disturb nothing: several at a time, or one after the other where others use the backend.

        `again`: they were played before, so that nobody needs to be told of it.
        """
        chosen = [scenario for scenario in scenarios if not scenario.disruptive and scenario.part != "starting"]
        if isinstance(stack, AttachedStack):
            return await self._one_by_one(stack, chosen)
        at_once = asyncio.Semaphore(_SCENARIOS_AT_ONCE)

        async def one(scenario: Scenario) -> Transcript:
            async with at_once:
                return await self._play(scenario, stack, again=again)

        # Which process answers shows best where nothing else connects.
        beside = await asyncio.gather(*(one(scenario) for scenario in chosen if not scenario.tells_workers_apart))
        return *beside, *[await one(scenario) for scenario in chosen if scenario.tells_workers_apart]

    async def disruptive(
        self, stack: Stack, scenarios: Sequence[Scenario], *, again: bool = False
    ) -> tuple[Transcript, ...]:
        """Play those that restart or stop something, one after the other."""
        played = []
        for scenario in scenarios:
            if scenario.disruptive:
                if not again:
                    self._emit(Waiting(stack.case.id, f"scenario {scenario.name}"))
                played.append(await self._play(scenario, stack, again=again))
        return tuple(played)

    async def record(
        self,
        stack: Stack,
        first: Sequence[Replica],
        transcripts: Sequence[Transcript],
        timings: dict[str, float],
        *,
        control: Sequence[Transcript] = (),
        warm: bool = False,
    ) -> Observation:
        """What this boot showed. `first` is how the replicas were when startup had ended, `control` further plays.

        Of each scenario that play is judged that left its script, if one did.
        """
        last = await self.replicas(stack)
        judged, others = in_order_of_interest(transcripts, control)
        attached = self._seen_attached(stack) if isinstance(stack, AttachedStack) else None
        granted = await stack.granted() if isinstance(stack, CountsProcessors) and not warm else None
        observation = Observation(
            case=stack.case,
            launcher=self._launcher if attached is None else "attached",
            run_id=self._run_id,
            replicas=tuple(_both(one, other) for one, other in zip(first, last, strict=True)),
            settings=stack.fingerprints,
            transcripts=judged,
            timings=dict(stack.timings) | timings,
            infrastructure_logs={} if warm else await stack.infrastructure_logs(),
            attached=attached,
            control=others,
            granted=granted,
            jobs=tuple(stack.jobs) if isinstance(stack, RanJobs) and not warm else (),
            warm=warm,
        )
        return _without_secrets(stack, observation)

    def nothing(self, case: Case, reason: str, *, warm: bool = False) -> Observation:
        """The observation of a case that could not be stood up."""
        deployed = self._attached.get(case.environment)
        attached = Attached(str(parse_target(deployed.url))) if deployed is not None else None
        launcher = self._launcher if attached is None else "attached"
        why = Redaction().text(reason)  # the launcher has taken out what it knows
        return Observation(case, launcher, self._run_id, launch_failure=why, attached=attached, warm=warm)

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

    async def _play(self, scenario: Scenario, stack: Stack, *, again: bool = False) -> Transcript:
        transcript = await play(scenario, stack, self._backend, self._contract)
        if not again:
            departed = transcript.departure is not None
            self._emit(ScenarioPlayed(stack.case.id, scenario.name, departed, transcript.duration_s))
        return transcript


def _without_secrets(stack: Stack, observation: Observation) -> Observation:
    """The observation as it may be told. Its case stays: by it it is found again, and no secret is in a case."""
    return msgspec.structs.replace(stack.redaction.struct(observation), case=stack.case)


def _cut_short(transcript: Transcript) -> bool:
    """Whether a connection could not be had, or was lost without a word."""
    for event in transcript.events:
        match event:
            case HandshakeAnswered(status=0) | HttpAnswered(status=0) | ConnectionClosed(code=1006):
                return True
    return transcript.departure is not None and transcript.departure.kind == "timeout"


def _both(first: Replica, last: Replica) -> Replica:
    """How a replica was after its startup, with how it ended and its log."""
    return msgspec.structs.replace(first, exit_code=last.exit_code, oom_killed=last.oom_killed, log=last.log)
