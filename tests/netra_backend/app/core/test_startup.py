"""The sequencer: deadlines, retries, and what follows a failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from netra_backend.app.core.failures import (
    DependencyRefused,
    DependencyUnavailable,
    FactoryViolation,
    StartupFailure,
)
from netra_backend.app.core.startup import Component, Startup
from netra_backend.app.metrics import Metrics
from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManager

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from netra_backend.app.core.services import Services

    Step = Callable[[Services], Awaitable[None]]


async def nothing(_services: Services) -> None:
    """A step that has nothing to do."""


async def run(step: Step, timeout_s: float = 5.0, asks: str | None = None) -> Startup:
    """Run a graph in which `first` does this, `second` requires it, and `other` does not."""
    parts = [
        Component("first", (), step, asks),
        Component("second", ("first",), nothing),
        Component("other", (), nothing),
    ]
    startup = Startup({part.name: part for part in parts}, tuple(part.name for part in parts), timeout_s, Metrics())
    assert startup.status == "starting"
    await startup.run()
    return startup


def outcomes(startup: Startup) -> list[str]:
    """The outcomes of first, second and other."""
    return [record.outcome for record in startup.records.values()]


async def test_good_steps_pass_in_order() -> None:
    """All pass, each at its first attempt."""
    startup = await run(nothing)
    assert (startup.status, outcomes(startup)) == ("pass", ["passed"] * 3)
    assert startup.records["first"].attempts == 1
    assert startup.records["first"].waited_for is None


async def test_a_failed_step_is_not_followed_by_those_that_require_it() -> None:
    """What requires it is skipped; the rest still runs."""

    async def fail(_services: Services) -> None:
        raise StartupFailure("CODE", "Described.", "Do this.")

    startup = await run(fail)
    assert (startup.status, outcomes(startup)) == ("fail", ["failed", "skipped", "passed"])
    assert [(failure.code, failure.component) for failure in startup.failures] == [("CODE", "first")]


async def test_a_step_that_hangs_fails_at_its_deadline() -> None:
    """The deadline is the step's own, and named."""

    async def hang(_services: Services) -> None:
        await asyncio.Event().wait()

    startup = await run(hang, timeout_s=0.05)
    assert [failure.code for failure in startup.failures] == ["STEP_TIMEOUT"]
    assert outcomes(startup) == ["failed", "skipped", "passed"]


async def test_a_dependency_that_is_silent_is_called_by_its_name() -> None:
    """A connection that is accepted and then says nothing: unreachable, like one that is not there."""

    async def hang(_services: Services) -> None:
        await asyncio.Event().wait()

    startup = await run(hang, timeout_s=0.05, asks="redis")
    (failure,) = startup.failures
    assert failure.code == "DEPENDENCY_UNREACHABLE"
    assert "redis" in failure.description
    assert startup.records["first"].waited_for == "redis"


async def test_the_steps_of_one_dependency_may_have_a_deadline_of_their_own() -> None:
    """Who is known to be down is given up sooner, and who is only slow is waited for."""

    async def hang(_services: Services) -> None:
        await asyncio.Event().wait()

    async def slow(_services: Services) -> None:
        await asyncio.sleep(0.2)

    parts = [Component("pool", (), hang, "postgres", 0.05), Component("cache", (), slow, "redis")]
    startup = Startup({part.name: part for part in parts}, ("pool", "cache"), 30.0, Metrics())
    await startup.run()
    assert [(failure.code, failure.component) for failure in startup.failures] == [("DEPENDENCY_UNREACHABLE", "pool")]
    assert "STARTUP_POSTGRES_TIMEOUT_S" in startup.failures[0].action
    assert startup.records["cache"].outcome == "passed"


async def test_a_late_dependency_is_asked_again() -> None:
    """Until it answers; the report says how often, and what was waited for."""
    answers = iter([DependencyUnavailable("postgres", "no connection"), DependencyUnavailable("postgres", "…"), None])

    async def late(_services: Services) -> None:
        if (error := next(answers)) is not None:
            raise error

    startup = await run(late)
    record = startup.records["first"]
    assert (startup.status, record.attempts, record.waited_for) == ("pass", 3, "postgres")


async def test_an_absent_dependency_fails_at_the_deadline() -> None:
    """DEPENDENCY_UNREACHABLE, naming the dependency and the reason."""

    async def absent(_services: Services) -> None:
        raise DependencyUnavailable("postgres", "no connection (ConnectionRefusedError)")

    startup = await run(absent, timeout_s=0.1)
    (failure,) = startup.failures
    assert failure.code == "DEPENDENCY_UNREACHABLE"
    assert "postgres" in failure.description
    assert "ConnectionRefusedError" in failure.description


async def test_a_dependency_that_refuses_is_asked_once() -> None:
    """DEPENDENCY_REFUSED at once."""

    async def refuse(_services: Services) -> None:
        raise DependencyRefused("redis", "it answers WRONGPASS")

    startup = await run(refuse)
    assert [failure.code for failure in startup.failures] == ["DEPENDENCY_REFUSED"]
    assert startup.records["first"].attempts == 1


async def test_a_bug_is_a_failure_without_its_message() -> None:
    """The kind and the place are told; the message may hold anything, and is not."""

    async def bug(_services: Services) -> None:
        raise RuntimeError("password=hidden")

    startup = await run(bug)
    (failure,) = startup.failures
    assert failure.code == "STEP_FAILED"
    assert "RuntimeError was raised at test_startup.py" in failure.description
    assert "hidden" not in failure.description


async def test_a_timeout_of_the_steps_own_is_not_the_deadline() -> None:
    """A TimeoutError before the deadline is what it is: raised by the step."""

    async def impatient(_services: Services) -> None:
        raise TimeoutError

    startup = await run(impatient)
    assert [failure.code for failure in startup.failures] == ["STEP_FAILED"]


async def test_several_failures_of_one_step_are_all_told() -> None:
    """An ExceptionGroup becomes one failure each, with the component that each names."""

    async def several(_services: Services) -> None:
        raise ExceptionGroup("two", [StartupFailure("A", "a", "a", "one"), StartupFailure("B", "b", "b", "other")])

    startup = await run(several)
    assert [(failure.code, failure.component) for failure in startup.failures] == [("A", "one"), ("B", "other")]


async def test_the_incident_is_a_named_failure() -> None:
    """A manager that is made while starting violates the factory, and the startup says so."""

    async def make_a_manager(_services: Services) -> None:
        WebSocketManager(None, None, None)  # type: ignore[arg-type]  # the incident itself

    startup = await run(make_a_manager)
    (failure,) = startup.failures
    assert (failure.code, failure.component) == ("FACTORY_VIOLATION", "first")
    assert "WebSocket manager creation requires valid UserExecutionContext" in failure.description
    assert issubclass(FactoryViolation, ValueError)


async def test_a_deadline_that_meets_a_failure_still_ends_the_step() -> None:
    """Also where the attempt that fails just then swallows it, as `wait_for` of Python 3.11 may."""
    loop = asyncio.get_running_loop()
    attempts = 0

    async def refused_at_the_deadline(_services: Services) -> None:
        nonlocal attempts
        attempts += 1
        try:
            await loop.create_future()  # until the deadline cancels it
        except asyncio.CancelledError:
            raise DependencyUnavailable("redis", "refused") from None

    startup = await run(refused_at_the_deadline, timeout_s=0.05, asks="redis")
    assert (startup.status, outcomes(startup)[0], attempts) == ("fail", "failed", 1)
    assert startup.failures[0].code == "DEPENDENCY_UNREACHABLE"


async def test_an_attempt_that_the_deadline_cuts_short_does_not_say_why() -> None:
    """How long an attempt takes on a busy machine is no matter of the dependency: what was said before stands."""
    loop = asyncio.get_running_loop()
    attempts = 0

    async def refused_then_cut_short(_services: Services) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise DependencyUnavailable("redis", "refused")
        try:
            await loop.create_future()  # until the deadline cancels it
        except asyncio.CancelledError:
            raise DependencyUnavailable("redis", "no answer in time") from None

    startup = await run(refused_then_cut_short, timeout_s=0.5, asks="redis")
    assert attempts == 2
    assert "refused" in startup.failures[0].description


async def test_an_attempt_that_its_own_time_cuts_short_does_not_say_why() -> None:
    """Neither: who was refused before was told more."""
    attempts = 0

    async def refused_then_silent(_services: Services) -> None:
        nonlocal attempts
        attempts += 1
        raise DependencyUnavailable("redis", "refused" if attempts == 1 else "no answer in time", silent=attempts > 1)

    startup = await run(refused_then_silent, timeout_s=0.2, asks="redis")
    assert attempts > 1
    assert "refused" in startup.failures[0].description
