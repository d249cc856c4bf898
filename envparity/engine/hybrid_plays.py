"""What is played on a hybrid of two environments: what its finding needs to show, and no more."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence

import msgspec

from envparity.engine.at_once import play_at_once
from envparity.engine.coming_back import come_back, comes_back
from envparity.engine.endurance import endure
from envparity.engine.growth import Growth
from envparity.engine.kills import kill_and_start
from envparity.engine.observer import Observer
from envparity.engine.other_handshakes import play_other_handshakes
from envparity.engine.played_beside import PlayedBeside
from envparity.engine.plays import play_again
from envparity.engine.siblings import play_beside_siblings
from envparity.engine.start_stop import observe_start_stop
from envparity.engine.stops import stop_when_all_are_gone
from envparity.engine.visits import visit
from envparity.launch.port import Stack
from envparity.model.environment import Environment
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation

__all__ = ["played_on"]


async def played_on(
    observer: Observer,
    stack: Stack,
    chosen: Sequence[Scenario],
    also: Collection[str],
    *,
    warm: bool,
    twice: bool,
    environment: Environment,
) -> Observation:
    """What that stack shows of these scenarios, and of what is done beside them (`also`, as `HybridBoots` has it).

    `twice`: what leaves its script is played once more. `environment` is what was booted.
    """
    if stack.case.boot.silent_start:
        seen = await observe_start_stop(observer, stack, environment)
        return observer.nothing(stack.case, "it waited for nothing") if seen.start_stop is None else seen
    began = time.monotonic()
    _, startup_s = await observer.see_through(stack, chosen)
    first = await observer.replicas(stack)
    beside = PlayedBeside(cross_origin=await observer.cross_origin(stack, first) if "origins" in also else ())
    started = all(replica.has_started for replica in first)
    grows = "grows" in also and started
    growth = Growth(stack, holdings=observer.keeps)
    if grows:
        await growth.look()
    played = await observer.player.peaceful(stack, chosen)
    left = {transcript.scenario for transcript in played if twice and transcript.departure is not None}
    beside.control = await observer.player.peaceful(
        stack, [scenario for scenario in chosen if scenario.name in left], again=True
    )
    returns = started and not {"returns", "grows"}.isdisjoint(also)
    returning = comes_back(chosen, played, thorough=False) if returns else []
    if grows:
        await growth.look(played)
        beside.back = await come_back(observer.player, stack, returning, seen=growth.look)
        others = beside.back.others
        beside.control = await play_again(observer.player, stack, chosen, played, others)
        await growth.look(beside.control[len(others) :])
        beside.visits = await visit(observer.player, stack, chosen)
    else:
        beside.back = await come_back(observer.player, stack, returning)
        beside.control += tuple(beside.back.others)
    beside.usage = growth.points
    offers = chosen if "offers" in also and started else []
    beside.otherwise = await play_other_handshakes(observer.player, stack, offers, played)
    beside.control += beside.otherwise.by_chance
    with_siblings = chosen if "siblings" in also and started else []
    beside.siblings = await play_beside_siblings(observer.player, stack, with_siblings, played, thorough=True)
    played += await observer.player.disruptive(stack, chosen)
    crowds = chosen if "at once" in also and started else []
    beside.at_once = await play_at_once(
        observer.player,
        stack,
        crowds,
        played,
        backend=observer.backend,
        dependencies=[*environment.dependencies],
        thorough=True,
    )
    timings = {"startup": startup_s, "boot": round(time.monotonic() - began, 3)}
    observation = await observer.record(stack, first, played, timings, beside, warm=warm)
    if "endures" in also and started:
        observation = msgspec.structs.replace(observation, memory=await endure(observer.player, stack, chosen, played))
    if "stops" in also and started:
        stops = await stop_when_all_are_gone(observer.player, stack, chosen, played, environment.platform.stop_grace_s)
        observation = msgspec.structs.replace(observation, stops=stops)
    if "kills" in also and started:
        observation = msgspec.structs.replace(observation, kill=await kill_and_start(stack))
    return observation
