"""Causes found with boots of mixtures; what a boot shows is scripted here, by what its environment is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from envparity.backend import Backend, ImageSource
from envparity.case import Boot, Case
from envparity.engine.causes import EVERYWHERE, CauseFinder
from envparity.engine.observer import Observer
from envparity.engine.run import Run
from envparity.environment import Environment, Platform, SecretOf
from envparity.errors import LaunchError
from envparity.events import Event
from envparity.judge import judge
from envparity.judge.finding import Finding, Judgement
from envparity.launch.port import Launcher, Stack, Waiting, WarmUnavailable
from envparity.observe.record import Observation, Transcript
from envparity.scenario import Scenario
from envparity.subject import Subject
from tests.envparity.launching import FakeStack, report

HARMLESS = {f"HARMLESS_{at:02}": "on" for at in range(40)}
LOCAL = Environment("local", settings={"MODE": "usual"})
STAGING = Environment("staging", settings={"MODE": "strict", **HARMLESS}, platform=Platform(cpus=1, memory_mib=512))

Fails = Callable[[Environment], bool]


class Booting:
    """Boots whatever environment it is given: startup fails where `fails` says so. Keeps what it booted.

    Forks fail where `forks` says so; there are none without it. `forked` are the settings that each of them took, and
    `beside` the environment that they stand beside, for as long as it does.
    """

    name = "fake"
    run_id = "00000000"
    cannot_check = ()
    reason = ""

    def __init__(self, subject: Subject, fails: Fails, stands_up: Fails, forks: Fails | None = None) -> None:
        self._subject, self._fails, self._stands_up, self._forks = subject, fails, stands_up, forks
        self.booted: list[Environment] = []
        self.forked: list[dict[str, str]] = []
        self.beside: Environment | None = None

    @property
    def mixtures(self) -> list[Environment]:
        """Without the passing environment as it is, which is what forks stand beside."""
        return [
            one for one in self.booted if one.name not in self._subject.environments and one.settings != LOCAL.settings
        ]

    @asynccontextmanager
    async def boot(self, case: Case, waiting: Waiting, environment: Environment | None = None) -> AsyncIterator[Stack]:
        waiting("a stack")
        environment = environment or self._subject.environments[case.environment]
        assert environment.name == case.environment
        self.booted.append(environment)
        if not self._stands_up(environment):
            raise LaunchError("no room")
        failure = "validation" if self._fails(environment) else ""
        yield cast("Stack", FakeStack(case, lambda _case: report(failure=failure)))

    @asynccontextmanager
    async def warm(self, stack: Stack, lanes: int) -> AsyncIterator[Booting]:
        if self._forks is None:
            raise WarmUnavailable("not Python")
        self.beside = next(one for one in self.booted if one.name == stack.case.environment)
        try:
            yield self._Forks(self, stack.case)  # type: ignore[misc]
        finally:
            self.beside = None

    class _Forks:
        def __init__(self, launcher: Booting, host: Case) -> None:
            self._launcher, self._host = launcher, host

        @asynccontextmanager
        async def boot(self, boot: Boot) -> AsyncIterator[Stack]:
            launcher = self._launcher
            assert launcher.beside is not None
            assert launcher._forks is not None
            launcher.forked.append(dict(boot.settings))
            as_given = msgspec.structs.replace(
                launcher.beside, settings={**launcher.beside.settings, **dict(boot.settings)}
            )
            failure = "validation" if launcher._forks(as_given) else ""
            case = Case(self._host.environment, self._host.backend, boot)
            yield cast("Stack", FakeStack(case, lambda _case: report(failure=failure)))

    async def close(self) -> None:
        """Nothing is left."""


def given(
    fails: Fails,
    *environments: Environment,
    stands_up: Fails = lambda _one: True,
    forks: Fails | None = None,
) -> tuple[Subject, Booting, list[Event]]:
    backend = Backend("chat", Path("backend.toml"), ImageSource(name="chat"))
    subject = Subject(backend, {one.name: one for one in environments or (LOCAL, STAGING)})
    return subject, Booting(subject, fails, stands_up, forks), []


async def explained(fails: Fails, *environments: Environment, **options: Any) -> tuple[Finding, Booting]:
    """The finding about the startup of a run that looks for causes."""
    stands_up = options.pop("stands_up", lambda _one: True)
    subject, launcher, events = given(fails, *environments, stands_up=stands_up, forks=options.pop("forks", None))
    observer = Observer(subject.backend, "fake", "00000000", events.append)
    run = Run(subject, cast("Launcher", launcher), events.append)
    observations = await run.observe_all()
    finder = CauseFinder(subject, cast("Launcher", launcher), observer, events.append, **options)
    judgement = await finder.explain(judge(subject, observations), observations)
    return next(one for one in judgement.findings if one.code == "EP101"), launcher


def strict(environment: Environment) -> bool:
    return environment.settings.get("MODE") == "strict"


async def test_a_single_setting_is_named_in_at_most_ten_boots() -> None:
    """One difference among more than forty: the setting alone, verified both ways."""
    finding, launcher = await explained(strict)
    assert finding.cause == "MODE=strict alone"
    assert "differ in 43 traits" in finding.evidence[-1]
    assert "added to local it fails, twice; removed from staging it passes" in finding.evidence[-1]
    assert len(launcher.mixtures) <= 10


async def test_settings_are_tried_on_forks_and_the_result_in_fresh_containers() -> None:
    """Cold are what they stand beside, and those to see it again, with the cause, and without it."""
    finding, launcher = await explained(strict, forks=strict)
    assert finding.cause == "MODE=strict alone"
    boots = len(launcher.forked)
    assert f"({boots} boots to find it, 3 to verify, {boots} of them warm)" in finding.evidence[-1]
    assert [sorted(one.settings) for one in launcher.mixtures] == [
        sorted(STAGING.settings), ["MODE"], sorted(STAGING.settings),
    ]  # fmt: skip
    assert launcher.mixtures[1].settings == {"MODE": "strict"}
    assert launcher.mixtures[2].settings["MODE"] == "usual"
    assert launcher.forked[-1] == {"MODE": "strict"}
    assert launcher.beside is None


async def test_what_a_fork_cannot_be_is_booted_cold() -> None:
    """A limit of the platform, or a setting that is made for the run: only the mixtures without them are forks."""
    finding, launcher = await explained(lambda one: strict(one) and one.platform.cpus == 1, forks=lambda _one: False)
    assert finding.cause == "MODE=strict and platform.cpus=1"
    made = Environment("staging", settings={"MODE": "usual", **HARMLESS, "KEY": SecretOf(8)})
    finding, launcher = await explained(lambda one: "KEY" in one.settings, LOCAL, made, forks=lambda _one: False)
    assert finding.cause == "KEY alone"
    assert launcher.forked
    assert not any("KEY" in one for one in launcher.forked)


@pytest.mark.parametrize("forks", [lambda _one: True, lambda one: "HARMLESS_03" in one.settings])
async def test_what_forks_say_and_containers_do_not_is_found_by_containers_alone(forks: Fails) -> None:
    """A fork is not the real thing; it only saves time where it is right."""
    finding, launcher = await explained(strict, forks=forks)
    assert finding.cause == "MODE=strict alone"
    assert launcher.forked


async def test_without_forks_all_are_cold_boots() -> None:
    """A backend that is not Python: what forks would have stood beside is stood up once, in vain."""
    finding, launcher = await explained(strict)
    assert finding.cause == "MODE=strict alone"
    assert [one.settings for one in launcher.booted].count({"MODE": "usual"}) == 2  # as local, and to fork beside


async def test_two_that_are_needed_together_are_joined() -> None:
    """A setting and a limit of the platform, neither of which fails alone."""
    finding, launcher = await explained(lambda one: strict(one) and one.platform.cpus == 1)
    assert finding.cause == "MODE=strict and platform.cpus=1"
    assert len(launcher.mixtures) <= 18


async def test_two_that_fail_each_alone_are_both_named() -> None:
    """Without the second the first would not make staging pass."""
    finding, _ = await explained(lambda one: strict(one) or one.platform.cpus == 1)
    assert finding.cause in {
        "MODE=strict alone, or platform.cpus=1 alone",
        "platform.cpus=1 alone, or MODE=strict alone",
    }


async def test_a_secret_is_the_cause_by_its_name_only() -> None:
    """Not even one that stands in the file is shown."""
    secret = Environment("staging", settings={"MODE": "usual", "SIGNING_SECRET": "do-not-tell"})
    finding, _ = await explained(lambda one: one.settings.get("SIGNING_SECRET") == "do-not-tell", LOCAL, secret)
    assert finding.cause == "SIGNING_SECRET alone"
    made = Environment("staging", settings={"MODE": "usual", "KEY": SecretOf(8)})
    finding, _ = await explained(lambda one: "KEY" in one.settings, LOCAL, made)
    assert finding.cause == "KEY alone"


async def test_what_shows_everywhere_has_no_difference_for_a_cause_and_costs_no_boot() -> None:
    """There is nothing to take apart."""
    finding, launcher = await explained(lambda _one: True)
    assert finding.cause == EVERYWHERE
    assert launcher.mixtures == []


async def test_one_environment_alone_says_nothing_of_others() -> None:
    """Where nothing was compared, nobody knows."""
    finding, launcher = await explained(strict, STAGING)
    assert finding.cause is None
    assert launcher.mixtures == []


async def test_boots_are_shared_by_findings_that_show_together() -> None:
    """A failed startup and a verdict that differs are two findings and one search."""
    subject, launcher, events = given(strict)
    judgement = await Run(subject, cast("Launcher", launcher), events.append, causes=True).judgement()
    assert {one.code: one.cause for one in judgement.findings} == {
        "EP101": "MODE=strict alone",
        "EP202": "MODE=strict alone",
    }
    assert len(launcher.mixtures) <= 10


@pytest.mark.parametrize(("fails", "causes"), [(strict, False), (lambda _one: False, True)])
async def test_a_clean_run_and_one_that_was_not_asked_boot_nothing_more(fails: Fails, causes: bool) -> None:
    """Looking for causes costs only where it is red."""
    subject, launcher, events = given(fails)
    judgement = await Run(subject, cast("Launcher", launcher), events.append, causes=causes).judgement()
    assert launcher.mixtures == []
    assert all(one.cause is None for one in judgement.findings)


async def test_a_finding_that_does_not_show_again_has_no_cause() -> None:
    """Nothing is claimed of what comes and goes."""
    finding, launcher = await explained(lambda one: one.name == "staging")
    assert finding.cause is None
    assert "booted once more as staging is, with no conversation, it did not show" in finding.evidence[-1]
    assert len(launcher.mixtures) == 1


async def test_a_cause_that_fails_once_of_twice_is_not_named() -> None:
    """The oracle is flaky, and that is said."""
    times: list[str] = []

    def fails(environment: Environment) -> bool:
        times.append(environment.name)
        small = not any(name in environment.settings for name in HARMLESS) and environment.platform == Platform()
        return strict(environment) and not (small and times.count(environment.name) > 1)

    finding, _ = await explained(fails)
    assert finding.cause is None
    assert "booted twice with MODE=strict, it showed only once" in finding.evidence[-1]


async def test_a_budget_of_boots_is_kept() -> None:
    """What is known by then is said, and no cause is claimed."""
    finding, launcher = await explained(strict, boots=3)
    assert finding.cause is None
    assert "no cause was isolated within" in finding.evidence[-1]
    assert "it is among MODE=strict, " in finding.evidence[-1]
    assert len(launcher.mixtures) == 4  # the first one is to see it again


async def test_a_deadline_is_kept() -> None:
    """Where no time is left nothing is booted."""
    finding, launcher = await explained(strict, seconds=0.0)
    assert finding.cause is None
    assert finding.evidence[-1] == "no cause was looked for: 0 s had passed"
    assert launcher.mixtures == []


async def test_mixtures_that_cannot_be_stood_up_are_counted() -> None:
    """They show no finding, and it is said that they were there."""
    finding, _ = await explained(
        strict,
        stands_up=lambda one: (
            one.name in {"local", "staging"}
            or "HARMLESS_39" in one.settings
            or not HARMLESS.keys() & one.settings.keys()
        ),
    )
    assert finding.cause == "MODE=strict alone"
    assert "of the mixtures could not be stood up" in finding.evidence[-1]


async def test_a_setting_that_differs_is_its_own_cause() -> None:
    """No boot is spent on a finding that names the difference, nor on one about orders, which finds its own cause."""
    subject, launcher, events = given(strict)
    observations = await Run(subject, cast("Launcher", launcher), events.append).observe_all()
    found = tuple(
        Finding(code, "", "MODE", "", "", ("staging",), ("staging",)) for code in ("EP203", "EP204", "EP213", "EP901")
    )
    observer = Observer(subject.backend, "fake", "00000000", events.append)
    finder = CauseFinder(subject, cast("Launcher", launcher), observer, events.append)
    assert (await finder.explain(Judgement(found, (), 1), observations)).findings == found
    assert launcher.mixtures == []


async def test_a_scenario_that_restarts_something_is_played_by_itself() -> None:
    """Findings of other scenarios do not wait for it in each of their boots."""
    subject, launcher, events = given(strict)
    scenarios = tuple(Scenario(name, disruptive=name == "restart") for name in ("talk", "chat", "restart"))
    subject = Subject(msgspec.structs.replace(subject.backend, scenarios=scenarios), subject.environments)
    observer = Observer(subject.backend, "fake", "00000000", events.append)
    finder = CauseFinder(subject, cast("Launcher", launcher), observer, events.append)
    played = tuple(Transcript(one.name, "conversation") for one in scenarios)
    ends = [Observation(Case(name, "chat"), "fake", "00000000", transcripts=played) for name in ("local", "staging")]
    keys = {
        one.name: finder._key(
            Finding("EP301", "", one.name, "", "", ("staging",), ("staging",), scenario=one.name), ends[0], ends[1]
        )
        for one in scenarios
    }
    assert keys["talk"] == keys["chat"]
    assert keys["restart"] != keys["talk"]
