"""Playing all that a planned case asks for on its stack, in the order in which nothing disturbs what comes after it."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from contextlib import suppress

import msgspec

from envparity.engine.at_once import play_at_once
from envparity.engine.changing import observe_change
from envparity.engine.coming_back import CameBack, come_back, comes_back
from envparity.engine.endurance import endure
from envparity.engine.events import Emit, Waiting
from envparity.engine.growth import Growth
from envparity.engine.kills import kill_and_start
from envparity.engine.observer import Observer
from envparity.engine.orders_seen import OrdersSeen
from envparity.engine.other_handshakes import play_other_handshakes
from envparity.engine.plan import PlannedCase
from envparity.engine.played_beside import PlayedBeside
from envparity.engine.plays import play_again, repeated
from envparity.engine.siblings import play_beside_siblings
from envparity.engine.start_stop import observe_start_stop
from envparity.engine.stops import stop_when_all_are_gone
from envparity.engine.visits import visit
from envparity.engine.want_of_time import Doubt
from envparity.errors import DeadlineExceeded
from envparity.launch.controls import ReplicaControls
from envparity.launch.port import Stack
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.beside import AtOnce
from envparity.observe.record import Observation, Replica
from envparity.observe.transcript import Transcript

__all__ = ["CasePlayer"]


class CasePlayer:
    """Plays the scenarios of a case on its stack, and observes it."""

    def __init__(
        self, project: Project, observer: Observer, orders: OrdersSeen, emit: Emit, *, named: Collection[str] = ()
    ) -> None:
        """`named` are the scenarios that were asked for, of which also that is played which takes long."""
        self._project, self._observer, self._orders, self._emit = project, observer, orders, emit
        self._named = named

    async def __call__(
        self,
        planned: PlannedCase,
        stack: Stack,
        began: float,
        *,
        again: bool,
        told: bool = True,
        doubt: Doubt | None = None,
    ) -> Observation:
        """Peaceful scenarios overlap, then come the orders of this environment, and at last what disturbs the stack.

        Orders are booted beside the first boot only, not where this is done `again`.

        Where startup did not pass and was meant to, one conversation shows what a client is told; the rest would only
        say the same again. Of a boot that is made once more because of a `doubt` nothing more is asked for.
        """
        case, scenarios, observer = planned.case, planned.scenarios, self._observer
        if case.boot.release:
            return await observe_change(observer, planned, stack, began, told=told)
        if case.boot.silent_start:
            return await observe_start_stop(observer, stack, self._project.environments[case.environment])
        await observer.see_through(stack, scenarios)
        booted = time.monotonic()
        first = await observer.replicas(stack)
        if case.boot.steady and any(each.startup is not None and each.startup.status != "pass" for each in first):
            scenarios = scenarios[:1]
        if told:
            self._emit(Waiting(case.id, f"{len(scenarios)} scenarios"))
        controlled = self._is_controlled(stack, first)
        growth = Growth(stack, holdings=observer.keeps)
        if controlled:
            await growth.look()
        beside = PlayedBeside(cross_origin=await observer.cross_origin(stack, first))
        played = await observer.player.peaceful(stack, scenarios, again=not told)
        if doubt is not None and not self._orders.of_boot(case) and doubt.settles(played):
            timings = {"boot": round(booted - began, 3), "scenarios": round(time.monotonic() - booted, 3)}
            return await observer.record(stack, first, played, timings, beside)
        beside.usage = growth.points
        if controlled:
            await growth.look(played)
            returning = comes_back(scenarios, played, thorough=self._project.thorough)
            beside.back = await come_back(observer.player, stack, returning, seen=growth.look)
            others = beside.back.others
            beside.control = await play_again(observer.player, stack, scenarios, played, others)
            beside.otherwise = await play_other_handshakes(observer.player, stack, scenarios, played)
            beside.siblings = await play_beside_siblings(
                observer.player, stack, scenarios, played, thorough=self._project.thorough
            )
            await growth.look((*beside.control[len(others) :], *beside.otherwise.turned))
            beside.control += beside.otherwise.by_chance
            beside.visits = await visit(observer.player, stack, scenarios)
        began_orders = time.monotonic()
        if not again and first:
            await self._orders.boot_beside(stack, first[0].startup)
        orders_s = time.monotonic() - began_orders
        disturbed = await observer.player.disruptive(stack, scenarios, again=not told)
        if controlled and self._project.thorough:
            beside.control += await self._back_alone(stack, scenarios, disturbed, beside.back)
        beside.at_once = await self._at_once(stack, scenarios, played) if controlled else ()
        played += disturbed
        beside.control += await repeated(observer.player, stack, scenarios, (*played, *beside.control))
        timings = {"boot": round(booted - began, 3), "scenarios": round(time.monotonic() - booted, 3)}
        timings |= {"orders": round(orders_s, 3)} if self._orders.of_boot(case) else {}
        observation = await observer.record(stack, first, played, timings, beside)
        grace_s = self._project.environments[case.environment].platform.stop_grace_s
        thoroughly = controlled and case.boot.steady and self._project.thorough
        memory = await endure(observer.player, stack, scenarios, played) if thoroughly else ()
        stops = await stop_when_all_are_gone(observer.player, stack, scenarios, played, grace_s) if controlled else ()
        kill = await kill_and_start(stack) if thoroughly else None
        return msgspec.structs.replace(observation, memory=memory, stops=stops, kill=kill)

    async def _back_alone(
        self, stack: Stack, scenarios: Sequence[Scenario], disturbed: Sequence[Transcript], back: CameBack
    ) -> tuple[Transcript, ...]:
        """Users who come back to what disturbs the stack, one scenario after the other.

        Each begins when every replica says that it is ready again, as far as it does in time: what was disturbed before
        is no matter of this one.
        """
        control: tuple[Transcript, ...] = ()
        for scenario in comes_back(scenarios, disturbed, thorough=True):
            if isinstance(stack, ReplicaControls):
                with suppress(DeadlineExceeded):
                    await stack.until_ready()
            more = await come_back(self._observer.player, stack, [scenario], alone=True)
            control += tuple(more.others)
            back.second += more.second
        return control

    async def _at_once(
        self, stack: Stack, scenarios: Sequence[Scenario], played: Sequence[Transcript]
    ) -> tuple[AtOnce, ...]:
        """What many clients meet, behind all else: what they leave in a backend is no matter of it."""
        project = self._project
        return await play_at_once(
            self._observer.player,
            stack,
            scenarios,
            played,
            backend=project.backend,
            dependencies=[*project.environments[stack.case.environment].dependencies],
            named=self._named,
            thorough=project.thorough,
        )

    def _is_controlled(self, stack: Stack, first: Sequence[Replica]) -> bool:
        """Whether the peaceful scenarios are played more than once.

        Nothing is played twice, unless the scenario says so, where startup did not pass, where somebody is silent until
        an idle time is over, or where one may only look; other boots than the usual one are the baseline's matter.
        """
        boot, name = stack.case.boot, stack.case.environment
        baseline = next(iter(self._project.environments))
        named = boot.steady or name == baseline
        return (
            all(replica.has_started for replica in first)
            and boot.hasten == 1
            and name not in self._project.attached
            and named
        )
