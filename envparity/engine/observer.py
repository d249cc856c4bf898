"""Observing one booted stack: how its startup ended, and how each scenario went on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from envparity.conversation.cross_origin import ask_from_other_origins
from envparity.engine.events import Emit
from envparity.engine.played_beside import PlayedBeside
from envparity.engine.scenario_player import ScenarioPlayer
from envparity.launch.controls import (
    CountsConnections,
    CountsProcessors,
    Disturbable,
    LookedAt,
    PresentsCertificates,
    RanJobs,
    RunsPrograms,
    network_controls,
)
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.model.case import Case
from envparity.model.deployed.target import parse_target
from envparity.model.deployment import Deployed
from envparity.model.scenario import Scenario
from envparity.observe.disturbed import OutageSeen
from envparity.observe.plays import in_order_of_interest
from envparity.observe.record import Attached, Observation, Replica
from envparity.observe.stopping import StartStopSeen
from envparity.observe.transcript import HttpAnswered, Transcript
from envparity.support.redaction import Redaction

__all__ = ["Observer"]

_SCENARIOS_AT_ONCE = 6
_BETWEEN_EVENTS_S = 0.25
"""How far a timeline's events are apart: longer than a first attempt to connect, shorter than a step's deadline."""


class Observer:
    """Turns a stack into an observation. `launcher` and `run_id` go into it as they are, but for what is `attached`.

    `keeps`: it is said what is meant to stay in dependencies, so that they are looked at between rounds.
    """

    def __init__(
        self,
        backend: Backend,
        launcher: str,
        run_id: str,
        emit: Emit,
        attached: Mapping[str, Deployed] = MappingProxyType({}),
    ) -> None:
        self._attached = attached
        self.keeps = bool(backend.keeps)
        self.backend = backend
        self._launcher = launcher
        self._run_id = run_id
        self.player = ScenarioPlayer(backend, emit)

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
            early = [scenario for scenario in scenarios if scenario.part == "starting"]
            starting = tuple([await self.player.play(scenario, stack) for scenario in early])
        for event in boot.after_start:
            # A stimulus, not a synchronisation: whatever the backend does meanwhile, the outcome must be the same.
            await asyncio.sleep(_BETWEEN_EVENTS_S)
            if event.startswith("-"):
                await network_controls(stack).cut_dependency(event[1:])
            else:
                await network_controls(stack).restore_dependency(event)
        await stack.until_decided()
        return starting, round(time.monotonic() - began, 3)

    async def replicas(self, stack: Stack) -> list[Replica]:
        """How each replica is now."""
        return list(await asyncio.gather(*(stack.observe_replica(index) for index in range(stack.replica_count))))

    async def cross_origin(self, stack: Stack, first: Sequence[Replica]) -> tuple[tuple[HttpAnswered, ...], ...]:
        """What browsers are told from each origin, on the usual boot, once it has started."""
        started = all(replica.has_started for replica in first)
        if not (stack.case.boot.steady and started) or isinstance(stack, LookedAt):
            return ()
        return await ask_from_other_origins(stack, self.backend)

    async def record(
        self,
        stack: Stack,
        first: Sequence[Replica],
        transcripts: Sequence[Transcript],
        timings: dict[str, float],
        beside: PlayedBeside | None = None,
        *,
        warm: bool = False,
    ) -> Observation:
        """What this boot showed, with all that was played `beside` the scenarios.

        `first` is how the replicas were when startup had ended. Of each scenario that play is judged that left its
        script, if one did.
        """
        last = await self.replicas(stack)
        beside = PlayedBeside() if beside is None else beside
        judged, others = in_order_of_interest(transcripts, beside.control)
        attached = stack.seen(*self.player.lost.pop(stack.case.id, ("", 0))) if isinstance(stack, LookedAt) else None
        granted = await stack.granted() if isinstance(stack, CountsProcessors) and not warm else None
        most = stack.most_connections_to() if isinstance(stack, CountsConnections) and not warm else {}
        observation = Observation(
            case=stack.case,
            launcher=self._launcher if attached is None else "attached",
            run_id=self._run_id,
            replicas=tuple(_both(value, other) for value, other in zip(first, last, strict=True)),
            settings=stack.fingerprints,
            transcripts=judged,
            timings=dict(stack.timings) | timings,
            infrastructure_logs={} if warm else await stack.infrastructure_logs(),
            attached=attached,
            control=others,
            second=tuple(beside.back.second),
            turned=beside.otherwise.turned,
            dialects=beside.otherwise.dialects,
            siblings=beside.siblings,
            at_once=beside.at_once,
            usage=tuple(beside.usage),
            visits=beside.visits,
            cross_origin=beside.cross_origin,
            most_connections=most,
            away=_away(stack) if not warm else {},
            presented=stack.presented if isinstance(stack, PresentsCertificates) and not warm else (),
            granted=granted,
            jobs=tuple(stack.jobs) if isinstance(stack, RanJobs) and not warm else (),
            processes=await stack.observe_programs() if isinstance(stack, RunsPrograms) and not warm else (),
            warm=warm,
        )
        return _without_secrets(stack, observation)

    def stopped(self, stack: Stack, stop: StartStopSeen | None, timings: dict[str, float]) -> Observation:
        """The observation of a stack whose replica was stopped before it had started; None: it waited for nothing."""
        timings = dict(stack.timings) | timings
        seen = Observation(stack.case, self._launcher, self._run_id, timings=timings, start_stop=stop)
        return _without_secrets(stack, seen)

    def nothing(self, case: Case, reason: str, *, warm: bool = False) -> Observation:
        """The observation of a case that could not be stood up."""
        deployed = self._attached.get(case.environment)
        attached = Attached(str(parse_target(deployed.url))) if deployed is not None else None
        launcher = self._launcher if attached is None else "attached"
        why = Redaction().text(reason)  # the launcher has taken out what it knows
        return Observation(case, launcher, self._run_id, launch_failure=why, attached=attached, warm=warm)


def _away(stack: Stack) -> dict[str, OutageSeen]:
    """What each dependency met that this boot keeps down, until now."""
    if not isinstance(stack, Disturbable):
        return {}
    seen = {name: stack.outages(name) for name in stack.case.boot.down}
    return {name: outages[-1] for name, outages in seen.items() if outages}


def _without_secrets(stack: Stack, observation: Observation) -> Observation:
    """The observation as it may be told. Its case stays: by it it is found again, and no secret is in a case."""
    return msgspec.structs.replace(stack.redaction.struct(observation), case=stack.case)


def _both(first: Replica, last: Replica) -> Replica:
    """How a replica was after its startup, with how it ended and its log."""
    told = first.credentials | last.credentials
    return msgspec.structs.replace(
        first, exit_code=last.exit_code, oom_killed=last.oom_killed, log=last.log, credentials=told
    )
