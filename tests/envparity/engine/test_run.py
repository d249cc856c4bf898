"""The engine: a case boots once, what fails is observed, and nothing is left behind however a run ends."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

import envparity.engine.observer
from envparity.engine.events import CaseObserved, CaseStarted, Event, RunFinished, RunStarted
from envparity.engine.explore import OrderProfile
from envparity.engine.live_run import LiveRun
from envparity.engine.run import Run
from envparity.engine.session.exits import code_of
from envparity.engine.to_verdict import run_to_verdict
from envparity.errors import (
    ConfigurationError,
    EngineFailed,
    EngineSilent,
    EnvparityError,
    Interrupted,
    LaunchError,
    TooBusy,
)
from envparity.launch.port import Stack, Waiting
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.scenario import Scenario
from envparity.model.subject import Subject
from envparity.observe.image import ImageRecord
from envparity.observe.record import HttpAnswer, Replica, StartupReport
from envparity.support.redaction import Redaction
from tests.envparity.launching import BACKEND as CHAT
from tests.envparity.launching import FakeLauncher, passes, report, statuses
from tests.envparity.launching import subject as orderable

SUBJECT = Subject(
    Backend("chat", Path("backend.toml"), ImageSource(name="chat")),
    {name: Environment(name) for name in ("local", "staging")},
)


class QuietStack:
    """A stack whose only replica passed its startup."""

    replica_count = 1
    fingerprints = ()
    timings: dict[str, float] = {}  # noqa: RUF012  never changed
    redaction = Redaction()

    def __init__(self, case: Case) -> None:
        self.case = case

    async def until_decided(self) -> None:
        """It has passed already."""

    async def observe_replica(self, index: int) -> Replica:
        answers = (HttpAnswer("/health/live", 200), HttpAnswer("/health/ready", 200))
        report = StartupReport("pass", document={"status": "pass"}, http_status=200)
        return Replica(index, *answers, startup=report)

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return {}


class CountingLauncher:
    """Boots quiet stacks, counts them, and can be told to fail or to wait for ever."""

    name = "counting"
    run_id = "00000000"
    cannot_check = ()
    images: tuple[ImageRecord, ...] = ()
    reason = ""

    def __init__(self, *, fails: bool = False, hangs: bool = False) -> None:
        self.booted: list[Case] = []
        self.open = 0
        self.closed = False
        self.hanging = asyncio.Event() if hangs else None
        self.both = asyncio.Event()
        self._fails = fails

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        waiting("a stack")
        case = Case(environment.name, SUBJECT.backend.name, boot)
        self.booted.append(case)
        self.open += 1
        if self.open == 2:
            self.both.set()
        try:
            if self._fails:
                raise LaunchError("no room")
            if self.hanging is not None:
                self.hanging.set()
                await asyncio.Event().wait()
            yield cast("Stack", QuietStack(case))
        finally:
            self.open -= 1

    async def close(self) -> None:
        self.closed = True


async def test_a_case_is_booted_once_whoever_asks() -> None:
    """Boot once, judge often."""
    launcher = CountingLauncher()
    run = Run(SUBJECT, launcher, lambda _event: None)
    local = run.cases[0].case
    first, second, _ = await asyncio.gather(run.observe(local), run.observe(local), run.observe_all())
    assert first is second
    assert sorted(case.environment for case in launcher.booted) == ["local", "staging"]


async def test_who_waits_for_an_idle_time_keeps_nobody_from_booting() -> None:
    """With one place for boots, what only waits does not hold it."""
    silent = Scenario("silent", boot=Boot(hasten=6))
    subject = Subject(replace(SUBJECT.backend, scenarios=(silent,)), {"local": Environment("local")})
    launcher = CountingLauncher(hangs=True)
    run = Run(subject, launcher, lambda _event: None, workers=1)
    everything = asyncio.create_task(run.observe_all())
    async with asyncio.timeout(10):
        await launcher.both.wait()
    assert sorted(case.boot.hasten for case in launcher.booted) == [1, 6]
    everything.cancel()
    await run.close()


async def test_the_verdict_says_what_containers_were_made_from() -> None:
    """As the launcher does."""
    launcher = CountingLauncher()
    launcher.images = (ImageRecord("redis", "envparity/redis:1", "sha256:1", packages=("libc6 2.36",)),)
    assert (await Run(SUBJECT, launcher, lambda _event: None).verdict()).images == launcher.images


async def test_the_stream_begins_with_the_run_and_ends_with_the_verdict() -> None:
    """And says how many cases are left after each."""
    events: list[Event] = []
    verdict = await Run(SUBJECT, CountingLauncher(), events.append).verdict()
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].verdict == verdict
    assert sum(isinstance(event, CaseStarted) for event in events) == 2
    assert sorted(event.left for event in events if isinstance(event, CaseObserved)) == [0, 1]


async def test_an_environment_that_cannot_be_stood_up_is_a_finding() -> None:
    """Not a crash, and not a clean verdict."""
    verdict = await Run(SUBJECT, CountingLauncher(fails=True), lambda _event: None).verdict()
    assert [(finding.code, set(finding.environments)) for finding in verdict.findings] == [
        ("EP901", {"local", "staging"})
    ]
    assert verdict.exit_code == 1


class DyingLauncher(CountingLauncher):
    """What it boots on dies behind the first of its boots, in that way; cleaning fails then too."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error
        self.dead = asyncio.Event()

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        if environment.name != "local":
            await self.dead.wait()
            raise self.error
        try:
            async with super().boot(environment, boot, waiting) as stack:
                yield stack
        finally:
            asyncio.get_running_loop().call_later(0.1, self.dead.set)

    async def close(self) -> None:
        raise EngineFailed("and nothing can be removed")


DEATHS: dict[str, tuple[Exception, type[Exception]]] = {
    "the engine dies": (EngineFailed("it is gone"), EngineFailed),
    "the engine freezes": (EngineSilent("it", 60), EngineSilent),
    "the disk is full": (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/x"), LaunchError),  # noqa: S108
    "there is no memory": (MemoryError(), LaunchError),
    "it is too busy": (TooBusy("it"), TooBusy),
    "envparity has a bug": (KeyError("x"), KeyError),
}


@pytest.mark.parametrize("death", DEATHS)
def test_what_was_seen_before_the_machine_gave_out_is_judged_and_told(death: str) -> None:
    """The last event is a verdict that is never clean; what is raised is what ended it, and not the cleaning."""
    error, raised = DEATHS[death]
    events: list[Event] = []
    with pytest.raises(raised) as caught:
        run_to_verdict(lambda: Run(SUBJECT, DyingLauncher(error), events.append))
    assert isinstance(events[-1], RunFinished)
    verdict = events[-1].verdict
    assert (verdict.environments, verdict.cases, verdict.planned) == (("local",), 1, 2)
    assert (verdict.findings, verdict.clean, verdict.exit_code) == ((), False, 3)
    assert verdict.broken_off
    if isinstance(caught.value, EnvparityError):
        assert caught.value.seen
        assert code_of(caught.value) == 3


async def test_where_nothing_was_seen_there_is_no_verdict_at_all() -> None:
    events: list[Event] = []
    launcher = DyingLauncher(EngineFailed("it is gone"))
    launcher.dead.set()
    only_staging = Subject(SUBJECT.backend, {"staging": Environment("staging")})
    run = Run(only_staging, launcher, events.append)
    with pytest.raises(EngineFailed) as caught:
        await run.verdict()
    with pytest.raises(EngineFailed):
        await run.close()
    assert not caught.value.seen
    assert not any(isinstance(event, RunFinished) for event in events)


async def test_a_case_that_was_not_planned_is_refused() -> None:
    """With those that were."""
    run = Run(SUBJECT, CountingLauncher(), lambda _event: None)
    with pytest.raises(ConfigurationError, match="one of local, staging"):
        await run.observe(Case("moon", "chat"))


async def test_closing_takes_down_what_is_still_booting() -> None:
    """However far it had come."""
    launcher = CountingLauncher(hangs=True)
    run = Run(SUBJECT, launcher, lambda _event: None)
    asking = asyncio.create_task(run.observe_all())
    assert launcher.hanging is not None
    await launcher.hanging.wait()
    await run.close()
    assert launcher.open == 0
    assert launcher.closed
    assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_clean_with_its_exit_code(number: signal.Signals) -> None:
    """128 plus the signal's number, after everything was taken down; a second signal does not cut that short."""
    launchers: list[CountingLauncher] = []

    def event(event: Event) -> None:
        if isinstance(event, CaseStarted):
            loop = asyncio.get_running_loop()
            loop.call_soon(os.kill, os.getpid(), number)
            loop.call_soon(os.kill, os.getpid(), number)

    def make_run() -> Run:
        launchers.append(CountingLauncher(hangs=True))
        return Run(SUBJECT, launchers[0], event)

    with pytest.raises(Interrupted) as raised:
        run_to_verdict(make_run)
    assert raised.value.exit_code == 128 + number
    assert launchers[0].closed
    assert launchers[0].open == 0


def test_a_plain_function_can_ask_a_live_run() -> None:
    """The synchronous face gives the same observations, and closes the run at its end."""
    launcher = CountingLauncher()
    with LiveRun(lambda: Run(SUBJECT, launcher, lambda _event: None)) as live:
        observations: Any = live.observe_all()
        assert [observation.case.environment for observation in observations] == ["local", "staging"]
        assert live.verdict().environments == ("local", "staging")
    assert launcher.closed


FORWARD = Boot(order=("settings", "redis", "tools", "auth", "handlers"))
BACKWARD = Boot(order=("settings", "handlers", "tools", "redis", "auth"))


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeline takes its time, and no test finds what another one has searched for."""
    monkeypatch.setattr(envparity.engine.observer, "_BETWEEN_EVENTS_S", 0.0)
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path))


def fails_warm(case: Case) -> StartupReport | None:
    """Whatever a warm boot does in another order than the canonical one, fails."""
    return passes(case) if case.boot.order in ((), FORWARD.order) else report(failure="auth")


def ordered_run(launcher: FakeLauncher, *names: str) -> Run:
    return Run(
        orderable(*names, backend=replace(CHAT, scenarios=())),
        cast("Any", launcher),
        lambda _event: None,
        orders=OrderProfile(strength=2),
    )


async def test_with_orders_every_environment_is_booted_in_each_of_them() -> None:
    """They stand behind the planned cases, and are counted with them."""
    launcher = FakeLauncher()
    run = ordered_run(launcher)
    seen = await run.observe_all()
    assert [observation.case.id for observation in seen[:2]] == ["local", "staging"]
    assert [observation.case.boot for observation in seen[2:]].count(FORWARD) == 2
    assert launcher.pools == [Case("local", "chat"), Case("staging", "chat")]
    verdict = await run.verdict()
    assert verdict.cases == len(seen)
    assert [line.partition(":")[0] for line in verdict.coverage] == ["local", "staging"]


async def test_what_warm_boots_and_cold_ones_show_is_reported_with_its_code() -> None:
    """One failing order and the canonical one are booted cold in each environment, and no other."""
    launcher = FakeLauncher(fails_warm)
    verdict = await ordered_run(launcher).verdict()
    cold = {case for case in launcher.cold_boots if not case.boot.steady}  # each once more where the machine stalls
    assert sorted(case.environment for case in cold) == ["local", "local", "staging", "staging"]
    assert [case.boot for case in cold].count(FORWARD) == 2
    assert [finding.code for finding in verdict.findings if finding.environments == ("local", "staging")] == ["EP212"]


async def test_what_only_warm_boots_show_is_reported_as_that() -> None:
    """EP902: it is red all the same."""
    verdict = await ordered_run(FakeLauncher(passes, warm_startup=fails_warm), "local").verdict()
    assert {finding.code for finding in verdict.findings} == {"EP902"}
    assert any(finding.instead_of is not None and finding.instead_of.code == "EP212" for finding in verdict.findings)


async def test_an_environment_stands_until_it_is_told_to_end() -> None:
    """And boots beside it what nobody planned."""
    launcher = FakeLauncher()
    run = ordered_run(launcher)
    standing = await run.stand("local")
    assert launcher.open == ["local", "local warm"]
    seen = [await standing.observe(BACKWARD), await standing.observe_cold(BACKWARD)]
    assert statuses(seen) == ["pass", "pass"]
    assert [observation.warm for observation in seen] == [True, False]
    await standing.end()
    assert launcher.open == []


async def test_an_environment_may_stand_twice_at_a_time() -> None:
    """What a boot makes is its own: neither stands in the way of the other, and each ends by itself."""
    launcher = FakeLauncher()
    run = ordered_run(launcher)
    first, second = await run.stand("local"), await run.stand("local")
    assert launcher.open.count("local") == 2
    await first.end()
    assert launcher.open.count("local") == 1
    assert statuses([await second.observe(BACKWARD)]) == ["pass"]
    await second.end()
    assert launcher.open == []


async def test_an_environment_that_nobody_knows_cannot_stand() -> None:
    """The message names those that there are."""
    with pytest.raises(ConfigurationError, match="one of local, staging"):
        await ordered_run(FakeLauncher()).stand("moon")


async def test_what_keeps_an_environment_from_standing_is_raised() -> None:
    """To whoever wanted it to."""
    run = Run(SUBJECT, CountingLauncher(fails=True), lambda _event: None)
    with pytest.raises(LaunchError, match="no room"):
        await run.stand("local")


@pytest.mark.parametrize("hangs", [False, True])
async def test_closing_takes_down_what_stands(hangs: bool) -> None:
    """However far it had come."""
    launcher: Any = CountingLauncher(hangs=True) if hangs else FakeLauncher()
    run = Run(orderable("local"), launcher, lambda _event: None)
    asking = asyncio.create_task(run.stand("local"))
    if hangs:
        await launcher.hanging.wait()
    else:
        await asking
    await run.close()
    assert not launcher.open
    assert launcher.closed
    await asyncio.gather(asking, return_exceptions=True)


def test_a_plain_function_can_boot_beside_an_environment() -> None:
    """`with live.warm(...)`: gone when the block is left, and the run goes on."""
    launcher = FakeLauncher()
    with LiveRun(lambda: ordered_run(launcher)) as live:
        with live.warm("local") as local:
            assert local.name == "local"
            assert local.observe(BACKWARD).warm
            assert not local.observe_cold(BACKWARD).warm
        assert launcher.open == []
        assert len(live.observe_all()) > 2


def test_an_interrupt_takes_down_what_stands() -> None:
    """Ctrl-C in the middle of a test."""
    launcher = FakeLauncher()
    with pytest.raises(KeyboardInterrupt), LiveRun(lambda: ordered_run(launcher)) as live, live.warm("local"):
        raise KeyboardInterrupt
    assert launcher.open == []
    assert launcher.closed


@pytest.mark.timeout(30)
def test_a_signal_that_another_thread_was_given_ends_a_question_too(request: pytest.FixtureRequest) -> None:
    """The kernel gives a signal to any thread; whoever waits for an answer has to see it all the same."""
    booting = threading.Event()

    def interrupt() -> None:
        booting.wait()
        os.kill(os.getpid(), signal.SIGINT)

    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, previous))
    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    launcher = CountingLauncher(hangs=True)
    with LiveRun(lambda: Run(SUBJECT, launcher, lambda _event: booting.set())) as live:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        request.addfinalizer(lambda: signal.pthread_sigmask(signal.SIG_SETMASK, mask))
        with pytest.raises(KeyboardInterrupt):
            live.observe_all()
    interrupting.join()
    assert launcher.closed


def test_a_run_may_be_closed_before_what_stands_beside_it_is_left() -> None:
    """As when pytest is interrupted: the session's end comes before that of its fixtures."""
    launcher = FakeLauncher()
    with ExitStack() as fixtures:
        with LiveRun(lambda: ordered_run(launcher)) as live:
            fixtures.enter_context(live.warm("local"))
        assert launcher.open == []
