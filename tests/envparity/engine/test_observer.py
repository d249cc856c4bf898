"""What one booted stack shows: its timeline is seen through, and its scenarios are played when it is their turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import pytest
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection, serve

import envparity.engine.observer
import envparity.engine.scenario_player
from envparity.engine.events import Event, ScenarioPlayed, Waiting
from envparity.engine.observer import Observer
from envparity.launch.port import Endpoint, Stack
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Connect
from envparity.observe.record import Replica
from envparity.observe.transcript import Transcript
from envparity.support.stalls import Granted
from tests.envparity.launching import BACKEND, IN_ANY_ORDER, USUAL, WHILE_STARTING, FakeStack, report

WITHIN_S = 60.0
RESTART = Scenario("restart", disruptive=True, steps=(Connect("none"), Close(1000)))


@pytest.fixture
async def server() -> AsyncIterator[Endpoint]:
    """A WebSocket server that keeps every connection until the client closes it."""

    async def stay(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async with serve(stay, "127.0.0.1", 0) as serving:
        port = next(iter(serving.sockets)).getsockname()[1]
        yield Endpoint(("127.0.0.1", port), f"localhost:{port}", None)


def booted(boot: Boot = Boot(), endpoint: Endpoint | None = None) -> FakeStack:  # noqa: B008  frozen
    stack = FakeStack(Case("local", "chat", boot))
    if endpoint is not None:
        stack.endpoint = endpoint
    return stack


def observer(events: list[Event] | None = None) -> Observer:
    return Observer(BACKEND, "fake", "0a1b2c3d", (events if events is not None else []).append)


async def see_through(stack: FakeStack) -> tuple[str, ...]:
    """The names of what was played while it started."""
    scenarios = (USUAL, IN_ANY_ORDER, WHILE_STARTING)
    starting, _ = await observer().see_through(cast("Stack", stack), scenarios)
    return tuple(transcript.scenario for transcript in starting)


async def test_a_steady_boot_is_waited_for_and_nothing_else() -> None:
    """Nothing is cut, nobody comes early."""
    stack = booted()
    assert await see_through(stack) == ()
    assert stack.log == ["decided"]


async def test_a_timeline_happens_in_its_order_after_an_early_client() -> None:
    """First someone comes too early, then one thing after the other, and only then the startup's end is waited for."""
    stack = booted(Boot(timeline=("backend", "postgres", "-postgres", "redis", "postgres")))
    assert await see_through(stack) == ("while_starting",)
    assert stack.log == [
        "listening",
        "restore postgres",
        "cut postgres",
        "restore redis",
        "restore postgres",
        "decided",
    ]


async def test_nobody_comes_early_where_everything_is_there_when_it_starts() -> None:
    """It may be ready before anyone could come: what such a client is told is not promised."""
    stack = booted(Boot(timeline=("postgres", "redis", "backend")))
    assert await see_through(stack) == ()
    assert stack.log == ["decided"]


async def test_nobody_comes_early_where_something_stays_down() -> None:
    """That startup fails, and may have failed before anyone comes."""
    stack = booted(Boot(down=("postgres",)))
    assert await see_through(stack) == ()


async def test_what_was_there_and_went_away_is_brought_back() -> None:
    """Also when the backend found it: nothing is out of reach when it starts, so nobody comes early."""
    stack = booted(Boot(timeline=("postgres", "backend", "-postgres", "postgres")))
    assert await see_through(stack) == ()
    assert stack.log == ["cut postgres", "restore postgres", "decided"]


async def test_peaceful_scenarios_are_neither_disruptive_nor_for_the_start(server: Endpoint) -> None:
    """Those have their own turn; the transcripts come in the order of the scenarios."""
    stack = booted(endpoint=server)
    events: list[Event] = []
    played = await observer(events).player.peaceful(
        cast("Stack", stack), (RESTART, IN_ANY_ORDER, WHILE_STARTING, USUAL)
    )
    assert [(transcript.scenario, transcript.departure) for transcript in played] == [
        ("in_any_order", None),
        ("talk", None),
    ]
    told = [event for event in events if isinstance(event, ScenarioPlayed)]
    assert {(event.case, event.scenario, event.departed) for event in told} == {
        ("local", "in_any_order", False),
        ("local", "talk", False),
    }


async def test_peaceful_scenarios_overlap_six_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of a scenario is waiting; too many at once would be what makes them slow."""
    under_way = most = 0
    six = asyncio.Event()

    async def talk(scenario: Scenario, *_where: object) -> Transcript:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if under_way == 6:
            six.set()
        await six.wait()
        under_way -= 1
        return Transcript(scenario.name, scenario.group)

    monkeypatch.setattr(envparity.engine.scenario_player, "play", talk)
    greeted = tuple(replace(USUAL, name=f"talk{number}") for number in range(8))
    async with asyncio.timeout(WITHIN_S):
        played = await observer().player.peaceful(cast("Stack", booted()), greeted)
    assert [transcript.scenario for transcript in played] == [scenario.name for scenario in greeted]
    assert most == 6


async def test_a_departure_is_told_as_it_happens() -> None:
    """Progress shows it before the verdict does."""
    events: list[Event] = []
    (played,) = await observer(events).player.peaceful(cast("Stack", booted()), (USUAL,))
    assert played.departure is not None
    assert [event.departed for event in events if isinstance(event, ScenarioPlayed)] == [True]


async def test_disruptive_scenarios_are_played_one_after_the_other(server: Endpoint) -> None:
    """And it is said which one is waited for."""
    events: list[Event] = []
    other = replace(RESTART, name="stop")
    stack = cast("Stack", booted(endpoint=server))
    played = await observer(events).player.disruptive(stack, (RESTART, USUAL, other))
    assert [transcript.scenario for transcript in played] == ["restart", "stop"]
    waited = [event.waited_for if isinstance(event, Waiting) else "played" for event in events]
    assert waited == ["scenario restart", "played", "scenario stop", "played"]


async def test_a_replica_is_recorded_as_it_started_and_as_it_ended() -> None:
    """Health and report are those of the start; exit code and log those of the end."""
    stack = booted()
    first = await observer().replicas(cast("Stack", stack))
    stack._startup = lambda _case: report(failure="auth")
    stack.exit_code = 3
    transcript = Transcript("talk", "conversation")
    seen = await observer().record(cast("Stack", stack), first, [transcript], {"startup": 1.5})
    (replica,) = seen.replicas
    assert (replica.startup, replica.ready) == (first[0].startup, first[0].ready)
    assert replica.startup is not None
    assert replica.startup.status == "pass"
    assert replica.exit_code == 3
    assert (seen.case, seen.launcher, seen.run_id, seen.transcripts) == (stack.case, "fake", "0a1b2c3d", (transcript,))
    assert seen.timings == {"network": 0.1, "startup": 1.5}


async def test_every_replica_is_recorded() -> None:
    """In their order."""
    stack = FakeStack(Case("local", "chat"), replicas=3)
    first: list[Replica] = await observer().replicas(cast("Stack", stack))
    seen = await observer().record(cast("Stack", stack), first, [], {})
    assert [replica.index for replica in seen.replicas] == [0, 1, 2]


async def test_the_servers_logs_belong_to_a_fresh_stack() -> None:
    """In a warm boot they are those of all others too, and say nothing about this one."""
    stack = cast("Stack", booted())
    first = await observer().replicas(stack)
    cold = await observer().record(stack, first, [], {})
    warm = await observer().record(stack, first, [], {}, warm=True)
    assert (cold.infrastructure_logs, cold.warm) == ({"postgres": ("ready",)}, False)
    assert (warm.infrastructure_logs, warm.warm) == ({}, True)


class CountedStack(FakeStack):
    """One whose launcher counts what its replicas compute."""

    async def granted(self) -> Granted | None:
        return Granted(1.5, 20, 5, 0.25)


async def test_what_the_replicas_had_of_the_processors_belongs_to_a_fresh_stack() -> None:
    """In a warm boot it is that of all others too; a launcher that does not count it says nothing."""
    stack = cast("Stack", CountedStack(Case("local", "chat"), replicas=0))
    assert (await observer().record(stack, [], [], {})).granted == Granted(1.5, 20, 5, 0.25)
    assert (await observer().record(stack, [], [], {}, warm=True)).granted is None
    assert (await observer().record(cast("Stack", FakeStack(stack.case, replicas=0)), [], [], {})).granted is None


def test_what_could_not_be_stood_up_shows_why_and_nothing_else() -> None:
    """It is no pass and no failure of the backend."""
    seen = observer().nothing(Case("local", "chat"), "no room")
    assert (seen.launch_failure, seen.replicas, seen.transcripts, seen.warm) == ("no room", (), (), False)
    assert observer().nothing(Case("local", "chat"), "no fork", warm=True).warm


async def test_browsers_ask_nothing_of_a_startup_that_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not answer in time would be waited for again, by each of them in each round."""
    asked: list[Stack] = []

    async def ask(stack: Stack, _backend: Backend) -> tuple[()]:
        asked.append(stack)
        return ()

    monkeypatch.setattr(envparity.engine.observer, "ask_from_other_origins", ask)
    stack = cast("Stack", booted())
    await observer().cross_origin(stack, [Replica(0, undecided_after_s=30.0)])
    assert asked == []
    await observer().cross_origin(stack, [Replica(0, startup=report())])
    assert asked == [stack]
