"""Causes found with boots of hybrids; what a boot shows is scripted here, by what its environment is."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from envparity.engine.causes import CauseFinder
from envparity.engine.ends import Ends, ends_of
from envparity.engine.events import Event
from envparity.engine.observer import Observer
from envparity.engine.places import Places
from envparity.engine.run import Run
from envparity.errors import EngineFailed, LaunchError
from envparity.isolate import OutOfBoots
from envparity.isolate.rates import ERROR, MOST_PAIRS, NOTHING_SEEN
from envparity.judge import judge, singles
from envparity.judge.cause import CausePlace, Chance, Everywhere, NotFound, Search, TraitsCause
from envparity.judge.finding import Finding, Judgement
from envparity.launch.controls import WarmBoots, WarmUnavailable
from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.backend import Backend, ImageSource
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment, Platform, SecretOf
from envparity.model.scenario import Scenario
from envparity.model.subject import Subject
from envparity.observe.record import Observation
from envparity.observe.transcript import ConnectionClosed, Departure, Transcript
from envparity.report.wording import cause_text, evidence_lines, search_lines
from envparity.support.stalls import StallMeter, Stalls
from tests.envparity.launching import FakeStack, report

HARMLESS = {f"HARMLESS_{at:02}": "on" for at in range(40)}
LOCAL = Environment("local", settings={"MODE": "usual"})
STAGING = Environment("staging", settings={"MODE": "strict", **HARMLESS}, platform=Platform(cpus=1, memory_mib=512))

Fails = Callable[[Environment], bool | str]
"""Whether an environment fails, or at which component."""


def component_of(failure: bool | str) -> str:
    return failure if isinstance(failure, str) else "validation" if failure else ""


class Booting:
    """Boots whatever environment it is given: startup fails where `fails` says so. Keeps what it booted.

    Forks fail where `forks` says so; there are none without it. `forked` are the settings that each of them took, and
    `beside` the environment that they stand beside, for as long as it does.
    """

    name = "fake"
    run_id = "00000000"
    cannot_check = ()
    images = ()
    reason = ""

    def __init__(self, subject: Subject, fails: Fails, stands_up: Fails, forks: Fails | None = None) -> None:
        self._subject, self._fails, self._stands_up, self._forks = subject, fails, stands_up, forks
        self.booted: list[Environment] = []
        self.forked: list[dict[str, str]] = []
        self.beside: Environment | None = None

    @property
    def hybrids(self) -> list[Environment]:
        """Without the passing environment as it is, which is what forks stand beside."""
        return [
            environment
            for environment in self.booted
            if environment.name not in self._subject.environments and environment.settings != LOCAL.settings
        ]

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        waiting("a stack")
        self.booted.append(environment)
        if not self._stands_up(environment):
            raise LaunchError("no room")
        failure = component_of(self._fails(environment))
        case = Case(environment.name, self._subject.backend.name, boot)
        yield _Forkable(self, case, failure)

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
            failure = component_of(launcher._forks(as_given))
            case = Case(self._host.environment, self._host.backend, boot)
            yield cast("Stack", FakeStack(case, lambda _case: report(failure=failure)))

    async def close(self) -> None:
        """Nothing is left."""


class _Forkable(FakeStack):
    """A stack whose startup failed at that component, beside which there may be forks."""

    def __init__(self, launcher: Booting, case: Case, failure: str) -> None:
        super().__init__(case, lambda _case: report(failure=failure))
        self._booting = launcher

    @asynccontextmanager
    async def warm(self, lanes: int) -> AsyncIterator[WarmBoots]:
        del lanes
        launcher = self._booting
        if launcher._forks is None:
            raise WarmUnavailable("not Python")
        launcher.beside = next(
            environment for environment in launcher.booted if environment.name == self.case.environment
        )
        try:
            yield launcher._Forks(launcher, self.case)
        finally:
            launcher.beside = None


def given(
    fails: Fails,
    *environments: Environment,
    stands_up: Fails = lambda _one: True,
    forks: Fails | None = None,
) -> tuple[Subject, Booting, list[Event]]:
    backend = Backend("chat", Path("backend.toml"), ImageSource(name="chat"))
    subject = Subject(backend, {environment.name: environment for environment in environments or (LOCAL, STAGING)})
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
    return next(
        finding for finding in judgement.findings if finding.code == "EP101" and finding.component == "validation"
    ), launcher


def needless(finding: Finding) -> int:
    """How many boots were begun ahead of the search for its cause, and not needed."""
    assert isinstance(finding.cause, TraitsCause | NotFound)
    assert finding.cause.search is not None
    return finding.cause.search.needless


def strict(environment: Environment) -> bool:
    return environment.settings.get("MODE") == "strict"


async def test_a_single_setting_is_named_in_at_most_ten_boots() -> None:
    """One difference among more than forty: the setting alone, verified both ways."""
    finding, launcher = await explained(strict)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert "differ in 43 traits" in evidence_lines(finding)[-1]
    assert "added to local it fails, 3 times; removed from staging it passes" in evidence_lines(finding)[-1]
    assert len(launcher.hybrids) - needless(finding) <= 10


@pytest.mark.parametrize(
    "fails", [strict, lambda hybrid: strict(hybrid) and hybrid.platform.cpus == 1], ids=["one", "a pair"]
)
async def test_boots_ahead_change_nothing_of_what_is_found(fails: Fails) -> None:
    """The same cause by the same questions, wherever it is searched for; what nobody asked for is told by itself."""
    found = {}
    for places in (1, 2, 3, 8):
        finding, launcher = await explained(fails, places=Places(places, share=lambda: None))
        assert isinstance(finding.cause, TraitsCause)
        assert finding.cause.search is not None
        ahead = finding.cause.search.needless
        assert (ahead > 0) is (places > 1)
        assert len(launcher.hybrids) >= ahead
        search = msgspec.structs.replace(finding.cause.search, needless=0)
        found[places] = msgspec.structs.replace(finding.cause, search=search)
    assert len({msgspec.json.encode(cause) for cause in found.values()}) == 1


async def test_what_a_search_will_ask_for_is_booted_while_it_waits() -> None:
    """As many as there are places, beside what forks would stand beside; by its own a search never asks for so many."""
    subject, launcher, events = given(strict)
    under_way, most = 0, 0
    boot = launcher.boot

    @asynccontextmanager
    async def slow(environment: Environment, how: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        nonlocal under_way, most
        async with boot(environment, how, waiting) as stack:
            under_way += 1
            most = max(most, under_way)
            try:
                for _ in range(200):
                    await asyncio.sleep(0)
                yield stack
            finally:
                under_way -= 1

    run = Run(subject, cast("Launcher", launcher), events.append)
    observations = await run.observe_all()
    launcher.boot = slow  # type: ignore[method-assign, assignment]
    observer = Observer(subject.backend, "fake", "00000000", events.append)
    places = Places(3, share=lambda: None)
    finder = CauseFinder(subject, cast("Launcher", launcher), observer, events.append, places=places)
    judgement = await finder.explain(judge(subject, observations), observations)
    assert {cause_text(each.cause) for each in judgement.findings} == {"MODE=strict alone"}
    assert most == 1 + 3
    assert under_way == 0, "what nobody asked for is taken down"


async def test_a_cause_knows_where_it_stands_in_the_files_of_the_deployment() -> None:
    """Its own line, of all that the failing environment takes from there."""
    places = {"settings.MODE": "deploy/compose.yaml:7", "settings.HARMLESS_01": "deploy/compose.yaml:8"}
    staging = msgspec.structs.replace(STAGING, places=places)
    finding, _ = await explained(strict, LOCAL, staging)
    assert isinstance(finding.cause, TraitsCause)
    assert finding.cause.places == (CausePlace("staging", "settings.MODE", "deploy/compose.yaml", 7),)


async def test_settings_are_tried_on_forks_and_the_result_in_fresh_containers() -> None:
    """Cold are what they stand beside, and those to see it again, with the cause, without it, and with it once more."""
    finding, launcher = await explained(strict, forks=strict, places=Places(1))
    assert cause_text(finding.cause) == "MODE=strict alone"
    boots = len(launcher.forked)
    assert (
        f"({boots} boots to find it, {len(launcher.hybrids) + 1} to verify, {boots} of them warm)"
        in evidence_lines(finding)[-1]
    )
    assert [sorted(hybrid.settings) for hybrid in launcher.hybrids] == [
        sorted(STAGING.settings), ["MODE"], sorted(STAGING.settings), ["MODE"],
    ]  # fmt: skip
    assert launcher.hybrids[1].settings == {"MODE": "strict"}
    assert launcher.hybrids[2].settings["MODE"] == "usual"
    assert launcher.forked[-1] == {"MODE": "strict"}
    assert launcher.beside is None


async def test_what_a_fork_cannot_be_is_booted_cold() -> None:
    """A limit of the platform, or a setting that is made for the run: only the hybrids without them are forks."""
    finding, launcher = await explained(
        lambda environment: strict(environment) and environment.platform.cpus == 1, forks=lambda _one: False
    )
    assert cause_text(finding.cause) == "MODE=strict and platform.cpus=1"
    made = Environment("staging", settings={"MODE": "usual", **HARMLESS, "KEY": SecretOf(8)})
    finding, launcher = await explained(
        lambda environment: "KEY" in environment.settings, LOCAL, made, forks=lambda _one: False
    )
    assert cause_text(finding.cause) == "KEY alone"
    assert launcher.forked
    assert not any("KEY" in settings for settings in launcher.forked)


@pytest.mark.parametrize("forks", [lambda _one: True, lambda hybrid: "HARMLESS_03" in hybrid.settings])
async def test_what_forks_say_and_containers_do_not_is_found_by_containers_alone(forks: Fails) -> None:
    """A fork is not the real thing; it only saves time where it is right."""
    finding, launcher = await explained(strict, forks=forks)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert launcher.forked


async def test_without_forks_all_are_cold_boots() -> None:
    """A backend that is not Python: what forks would have stood beside is stood up once, in vain."""
    finding, launcher = await explained(strict)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert [environment.settings for environment in launcher.booted].count(
        {"MODE": "usual"}
    ) == 3  # as local, to fork beside, once more


async def test_two_that_are_needed_together_are_joined() -> None:
    """A setting and a limit of the platform, neither of which fails alone."""
    finding, launcher = await explained(lambda environment: strict(environment) and environment.platform.cpus == 1)
    assert cause_text(finding.cause) == "MODE=strict and platform.cpus=1"
    assert len(launcher.hybrids) - needless(finding) <= 18


async def test_two_that_fail_each_alone_are_both_named() -> None:
    """Without the second the first would not make staging pass."""
    finding, _ = await explained(lambda environment: strict(environment) or environment.platform.cpus == 1)
    assert cause_text(finding.cause) in {
        "MODE=strict alone, or platform.cpus=1 alone",
        "platform.cpus=1 alone, or MODE=strict alone",
    }


def test_paths_that_the_cause_does_not_explain_are_named() -> None:
    """A frame may differ in several fields, of which the cause is that of the first."""
    cause = TraitsCause((("RATE=9",),), 3, Search("local", "staging", 2), ("conversation.chat.welcome.size",))
    assert any("conversation.chat.welcome.size" in line for line in search_lines(cause))
    assert not any("another cause" in line for line in search_lines(msgspec.structs.replace(cause, others=())))


async def test_a_secret_is_the_cause_by_its_name_only() -> None:
    """Not even one that stands in the file is shown."""
    secret = Environment("staging", settings={"MODE": "usual", "SIGNING_SECRET": "do-not-tell"})
    finding, _ = await explained(
        lambda environment: environment.settings.get("SIGNING_SECRET") == "do-not-tell", LOCAL, secret
    )
    assert cause_text(finding.cause) == "SIGNING_SECRET alone"
    made = Environment("staging", settings={"MODE": "usual", "KEY": SecretOf(8)})
    finding, _ = await explained(lambda environment: "KEY" in environment.settings, LOCAL, made)
    assert cause_text(finding.cause) == "KEY alone"


async def test_what_shows_everywhere_has_no_difference_for_a_cause_and_costs_no_boot() -> None:
    """There is nothing to take apart."""
    finding, launcher = await explained(lambda _one: True)
    assert finding.cause == Everywhere()
    assert launcher.hybrids == []


async def test_one_environment_alone_says_nothing_of_others() -> None:
    """Where nothing was compared, nobody knows."""
    finding, launcher = await explained(strict, STAGING)
    assert not isinstance(finding.cause, TraitsCause)
    assert launcher.hybrids == []


async def test_boots_are_shared_by_findings_that_show_together() -> None:
    """A failed startup and a verdict that differs are two findings and one search."""
    subject, launcher, events = given(strict)
    judgement = await Run(subject, cast("Launcher", launcher), events.append, causes=True).judgement()
    assert {finding.code: cause_text(finding.cause) for finding in judgement.findings} == {
        "EP101": "MODE=strict alone",
        "EP202": "MODE=strict alone",
    }
    assert len(launcher.hybrids) - max(map(needless, judgement.findings)) <= 10


@pytest.mark.parametrize(("fails", "causes"), [(strict, False), (lambda _one: False, True)])
async def test_a_clean_run_and_one_that_was_not_asked_boot_nothing_more(fails: Fails, causes: bool) -> None:
    """Looking for causes costs only where it is red."""
    subject, launcher, events = given(fails)
    judgement = await Run(subject, cast("Launcher", launcher), events.append, causes=causes).judgement()
    assert launcher.hybrids == []
    assert all(not isinstance(finding.cause, TraitsCause) for finding in judgement.findings)


async def test_a_finding_that_does_not_show_again_has_no_cause() -> None:
    """Nothing is claimed of what comes and goes."""
    finding, launcher = await explained(lambda environment: environment.name == "staging")
    assert isinstance(finding.cause, Chance)
    assert (finding.cause.shown, finding.cause.of, finding.cause.rates) == (0, NOTHING_SEEN, "cannot say")
    assert (finding.cause.elsewhere, finding.cause.of_elsewhere) == (0, NOTHING_SEEN)
    assert len(launcher.hybrids) <= 1 + NOTHING_SEEN  # two findings share the boots that count them
    assert finding.cause.alike, "what its own repetition does not show is told, and makes nothing red"


async def test_what_shows_in_every_other_boot_is_counted_and_what_changes_that_is_named() -> None:
    """The rate of the one environment, none in the other, and the one setting that makes the difference."""
    turns = itertools.count()
    finding, _ = await explained(
        lambda environment: environment.name == "staging" or (strict(environment) and next(turns) % 2 == 1)
    )
    assert isinstance(finding.cause, Chance)
    assert finding.cause.changed_by == ("MODE=strict",)
    assert (finding.cause.rates, finding.cause.elsewhere) == ("differ", 0)
    assert 1 < finding.cause.shown < finding.cause.of <= MOST_PAIRS


async def test_what_shows_by_chance_in_both_environments_gets_a_cause_in_no_more_than_the_error() -> None:
    """It showed in the one by chance and not in the other: every other boot of anything shows it."""
    named = 0
    for seed in range(100):
        chance = random.Random(seed)  # noqa: S311  not for secrets

        def fails(environment: Environment, chance: random.Random = chance) -> bool:
            if environment.name in {"local", "staging"}:
                return environment.name == "staging"
            return chance.random() < 0.5

        finding, _ = await explained(fails)
        named += isinstance(finding.cause, TraitsCause)
        named += isinstance(finding.cause, Chance) and bool(finding.cause.changed_by)
    assert named <= 11, f"of 100; at a rate of {ERROR:.0%} that is more than chance gives in 99 of 100 tests"


async def test_a_cause_that_fails_once_of_twice_is_not_named() -> None:
    """The oracle is flaky, and that is said."""
    times: list[str] = []

    def fails(environment: Environment) -> bool:
        times.append(environment.name)
        small = not any(name in environment.settings for name in HARMLESS) and environment.platform == Platform()
        return strict(environment) and not (small and times.count(environment.name) > 1)

    finding, _ = await explained(fails)
    assert cause_text(finding.cause) != "MODE=strict alone"
    if isinstance(finding.cause, TraitsCause):
        assert len(finding.cause.alternatives[0]) > 1, "beside a companion it shows always"


@pytest.mark.parametrize("lucky", range(2, 7))
async def test_a_cause_that_one_boot_did_not_show_is_named_where_all_that_are_counted_show_it(lucky: int) -> None:
    """A race that is lost nearly always: one lucky boot among those that search does not hide what changes the rate."""
    small = itertools.count(1)

    def fails(environment: Environment) -> bool:
        is_small = not any(name in environment.settings for name in HARMLESS) and environment.platform == Platform()
        return strict(environment) and not (is_small and next(small) == lucky)

    finding, _ = await explained(fails)
    assert "MODE=strict" in cause_text(finding.cause)
    assert isinstance(finding.cause, TraitsCause | Chance)


async def test_a_budget_of_boots_is_kept() -> None:
    """What is known by then is said, and no cause is claimed."""
    finding, launcher = await explained(strict, boots=3)
    assert not isinstance(finding.cause, TraitsCause)
    assert "no cause was isolated within" in evidence_lines(finding)[-1]
    assert "it is among MODE=strict, " in evidence_lines(finding)[-1]
    assert len(launcher.hybrids) == 4  # the first one is to see it again


async def test_where_no_time_is_left_to_see_that_it_is_steady_what_was_found_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not as a cause, and not as if nothing had been looked for."""

    async def late(*_asked: object) -> bool:
        raise OutOfBoots

    monkeypatch.setattr("envparity.engine.trait_search.is_steady", late)
    finding, _ = await explained(strict)
    assert isinstance(finding.cause, NotFound)
    assert (finding.cause.why, finding.cause.among) == ("out of boots", (("MODE=strict",),))
    assert finding.cause.search is not None
    assert finding.cause.search.boots


async def test_a_deadline_is_kept() -> None:
    """Where no time is left nothing is booted."""
    finding, launcher = await explained(strict, seconds=0.0)
    assert not isinstance(finding.cause, TraitsCause)
    assert evidence_lines(finding)[-1] == "no cause was looked for: 0 s had passed"
    assert launcher.hybrids == []


async def test_a_hybrid_that_fails_elsewhere_does_not_pass() -> None:
    """Without its companion MODE fails at another component: that it would not at its own, nobody has seen."""

    def fails(environment: Environment) -> bool | str:
        alone = "HARMLESS_07" not in environment.settings
        return strict(environment) and ("companion" if alone else True)

    finding, _ = await explained(fails)
    assert isinstance(finding.cause, NotFound)
    assert (finding.cause.why, finding.cause.among) == ("not taken apart", (("MODE=strict", "HARMLESS_07=on"),))
    assert finding.cause.search is not None
    assert finding.cause.search.no_answer


async def test_a_hybrid_that_fails_elsewhere_is_worked_round_where_the_cause_shows_alone() -> None:
    """Two settings that only work together are in the way of most hybrids, and no part of the cause."""

    def fails(environment: Environment) -> bool | str:
        couple = {"HARMLESS_03", "HARMLESS_30"} & environment.settings.keys()
        return "couple" if len(couple) == 1 else strict(environment)

    finding, launcher = await explained(fails)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert len(launcher.hybrids) <= 30


async def test_a_failing_environment_that_is_broken_otherwise_without_the_cause_names_none() -> None:
    """Nobody can say that it would pass."""

    def fails(environment: Environment) -> bool | str:
        return strict(environment) or ("platform" if environment.platform.cpus == 1 else False)

    finding, _ = await explained(fails)
    assert isinstance(finding.cause, NotFound)
    assert finding.cause.why == "cannot say"


async def test_where_no_environment_passes_nothing_is_booted() -> None:
    """One that fails at another component does not show that it would not fail at this one."""
    finding, launcher = await explained(lambda environment: True if strict(environment) else "elsewhere")
    assert finding.cause == NotFound("nothing passes")
    assert launcher.hybrids == []


async def test_the_nearest_environment_that_passes_is_a_third_one_where_the_nearest_fails_otherwise() -> None:
    """Of three, one is masked; the search is between the other two."""
    masked = Environment("masked", settings={"MODE": "odd", **HARMLESS}, platform=STAGING.platform)

    def fails(environment: Environment) -> bool | str:
        return "elsewhere" if environment.settings["MODE"] == "odd" else strict(environment)

    finding, launcher = await explained(fails, LOCAL, STAGING, masked)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert not any(environment.name.startswith("masked-") for environment in launcher.booted)


async def test_a_boot_that_could_not_be_stood_up_is_in_no_rate() -> None:
    """It shows nothing, and is no boot that does not show it."""
    times: Counter[str] = Counter()

    def stands_up(environment: Environment) -> bool:
        if environment.name in {"local", "staging"}:
            return True
        times[environment.name] += 1
        return times[environment.name] % 2 == 0

    finding, _ = await explained(
        lambda environment: environment.name == "staging" or strict(environment), stands_up=stands_up
    )
    assert not isinstance(finding.cause, Chance), "in every boot that stood up it showed"


async def test_what_the_engine_fails_at_once_is_booted_once_more() -> None:
    """A container that is gone says nothing of the hybrid; the cause is found all the same."""
    failed: list[str] = []

    def stands_up(environment: Environment) -> bool:
        if environment.name in {"local", "staging"} or environment.name in failed:
            return True
        failed.append(environment.name)
        raise EngineFailed("a container is gone")

    finding, launcher = await explained(strict, stands_up=stands_up)
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert len(failed) < len(launcher.booted)
    assert finding.cause is not None
    assert not any("could not be stood up" in line for line in search_lines(finding.cause))


async def test_a_hybrid_that_comes_to_a_deadline_on_a_stalled_machine_is_booted_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it shows then counts: the machine is no component of the backend."""
    stalled = StallMeter()
    monkeypatch.setattr(stalled, "since", lambda _mark: Stalls(10, 8, 0.1))
    monkeypatch.setattr("envparity.engine.want_of_time.STALLS", stalled)
    times: Counter[str] = Counter()

    def fails(environment: Environment) -> bool | str:
        times[environment.name] += 1
        late = environment.name not in {"local", "staging"} and times[environment.name] % 2 == 1
        return "slow" if late else strict(environment)

    finding, _ = await explained(fails)
    assert cause_text(finding.cause) == "MODE=strict alone"


async def test_hybrids_that_cannot_be_stood_up_are_counted() -> None:
    """They say nothing, and it is said that they were there."""
    finding, _ = await explained(
        strict,
        stands_up=lambda hybrid: (
            hybrid.name in {"local", "staging"}
            or "HARMLESS_39" in hybrid.settings
            or not HARMLESS.keys() & hybrid.settings.keys()
        ),
    )
    assert cause_text(finding.cause) == "MODE=strict alone"
    assert "of the hybrids could not be stood up" in evidence_lines(finding)[-1]


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
    assert launcher.hybrids == []


async def test_a_scenario_that_restarts_something_is_played_by_itself() -> None:
    """Findings of other scenarios do not wait for it in each of their boots."""
    subject, launcher, events = given(strict)
    scenarios = tuple(Scenario(name, disruptive=name == "restart") for name in ("talk", "chat", "restart"))
    subject = Subject(msgspec.structs.replace(subject.backend, scenarios=scenarios), subject.environments)
    observer = Observer(subject.backend, "fake", "00000000", events.append)
    finder = CauseFinder(subject, cast("Launcher", launcher), observer, events.append)
    played = tuple(Transcript(scenario.name, "conversation") for scenario in scenarios)
    ends = [Observation(Case(name, "chat"), "fake", "00000000", transcripts=played) for name in ("local", "staging")]
    keys = {
        scenario.name: finder._key(
            Ends(
                Finding("EP301", "", scenario.name, "", "", ("staging",), ("staging",), scenario=scenario.name),
                ends[0],
                ends[1],
                (),
            )
        )
        for scenario in scenarios
    }
    assert keys["talk"] == keys["chat"]
    assert keys["restart"] != keys["talk"]


def test_a_merged_finding_is_looked_for_in_each_of_its_members() -> None:
    """Where the one to replay passes nowhere, for something else is in its way, another one does."""
    subject, _, _ = given(strict)
    scenarios = tuple(Scenario(name) for name in ("chat", "login"))
    subject = Subject(msgspec.structs.replace(subject.backend, scenarios=scenarios), subject.environments)

    def seen(environment: str, **closes: int) -> Observation:
        scripts = tuple(
            Transcript(
                name,
                "conversation",
                (ConnectionClosed(0.1, "a", "close", code),),
                Departure(1, "close", "a frame", f"close {code}", "a") if code != 1000 else None,
            )
            for name, code in closes.items()
        )
        return Observation(Case(environment, "chat"), "fake", "00000000", transcripts=scripts)

    boots = [seen("local", chat=1011, login=1000), seen("staging", chat=1006, login=1006)]
    (finding,) = [finding for finding in judge(subject, boots).findings if finding.code == "EP303"]
    assert (finding.scenario, finding.scenarios) == ("chat", ("chat", "login"))
    (case,) = ends_of(finding, singles(subject, boots), boots, subject.environments)
    assert (case.finding.scenario, case.passing.case.id, case.failing.case.id) == ("login", "local", "staging")
    boots[0] = seen("local", chat=1000, login=1000)
    cases = ends_of(finding, singles(subject, boots), boots, subject.environments)
    assert [case.finding.scenario for case in cases] == ["chat", "login"]


async def test_a_merged_finding_has_the_cause_that_one_of_its_members_has() -> None:
    """Staging is not steady and production is: what the first cannot tell the second does."""
    production = Environment("production", settings={"MODE": "strict", "REGION": "north"})
    turns = itertools.count()

    def fails(environment: Environment) -> bool:
        if environment.name.startswith("local-staging"):
            return strict(environment) and next(turns) % 2 == 1
        return strict(environment)

    finding, _ = await explained(fails, LOCAL, STAGING, production)
    assert finding.environments == ("staging", "production")
    assert cause_text(finding.cause) == "MODE=strict alone"


FEW = [f"S{at}" for at in range(5)]


@hypothesis.settings(max_examples=25, deadline=None)
@hypothesis.given(
    causes=st.lists(st.sets(st.sampled_from(FEW), min_size=1, max_size=3), min_size=1, max_size=2),
    masks=st.lists(st.tuples(st.sets(st.sampled_from(FEW), min_size=1, max_size=2), st.sampled_from(FEW)), max_size=2),
)
def test_whatever_fails_first_no_cause_is_named_that_is_not_true(
    causes: list[set[str]], masks: list[tuple[set[str], str]]
) -> None:
    """A mask fails at a component that starts earlier, unless something takes it off: what comes later is not seen."""

    def broken(names: Collection[str]) -> bool:
        return any(cause <= {*names} for cause in causes)

    def fails(environment: Environment) -> bool | str:
        there = environment.settings.keys()
        masked = any(mask <= there and off not in there for mask, off in masks)
        return "earlier" if masked else broken(there)

    failing = Environment("staging", settings=dict.fromkeys(FEW, "on"))
    hypothesis.assume(fails(failing) is True)
    finding, _ = asyncio.run(explained(fails, Environment("local"), failing))
    if not isinstance(finding.cause, TraitsCause):
        assert isinstance(finding.cause, NotFound)
        return
    named = [{trait.partition("=")[0] for trait in alternative} for alternative in finding.cause.alternatives]
    for names in named:
        assert broken(names)
        assert not any(broken(names - {name}) for name in names)
    assert not broken(set(FEW).difference(*named))
