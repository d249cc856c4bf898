"""Causes found with boots of hybrids; what a boot shows is scripted here, by what its environment is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import msgspec
import pytest

from envparity.engine.causes import CauseFinder
from envparity.engine.observer import Observer
from envparity.engine.places import Places
from envparity.engine.run import Run
from envparity.judge import judge
from envparity.judge.cause import CausePlace, Everywhere, NotFound, Search, TraitsCause
from envparity.judge.finding import Finding
from envparity.launch.port import Launcher, Stack, Waiting
from envparity.model.case import Boot
from envparity.model.environment import Environment, SecretOf
from envparity.report.wording import cause_text, evidence_lines, search_lines
from tests.envparity.engine.scripted_hybrids import HARMLESS, LOCAL, STAGING, Fails, explained, given, strict


def needless(finding: Finding) -> int:
    """How many boots were begun ahead of the search for its cause, and not needed."""
    assert isinstance(finding.cause, TraitsCause | NotFound)
    assert finding.cause.search is not None
    return finding.cause.search.needless


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
        assert ahead == 0 or places > 1
        assert len(launcher.hybrids) >= ahead
        search = msgspec.structs.replace(finding.cause.search, needless=0)
        found[places] = msgspec.structs.replace(finding.cause, search=search)
    assert len({msgspec.json.encode(cause) for cause in found.values()}) == 1


async def test_what_a_search_will_ask_for_is_booted_while_it_waits() -> None:
    """As many as there are places, beside what forks would stand beside; by its own a search never asks for so many."""
    project, launcher, events = given(strict)
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

    run = Run(project, cast("Launcher", launcher), events.append)
    observations = await run.observe_all()
    launcher.boot = slow  # type: ignore[method-assign, assignment]
    observer = Observer(project.backend, "fake", "00000000", events.append)
    places = Places(3, share=lambda: None)
    finder = CauseFinder(project, cast("Launcher", launcher), observer, events.append, places=places)
    judgement = await finder.explain(judge(project, observations), observations)
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
    project, launcher, events = given(strict)
    judgement = await Run(project, cast("Launcher", launcher), events.append, causes=True).judgement()
    assert {finding.code: cause_text(finding.cause) for finding in judgement.findings} == {
        "EP101": "MODE=strict alone",
        "EP202": "MODE=strict alone",
    }
    assert len(launcher.hybrids) - max(map(needless, judgement.findings)) <= 10


@pytest.mark.parametrize(("fails", "causes"), [(strict, False), (lambda _one: False, True)])
async def test_a_clean_run_and_one_that_was_not_asked_boot_nothing_more(fails: Fails, causes: bool) -> None:
    """Looking for causes costs only where it is red."""
    project, launcher, events = given(fails)
    judgement = await Run(project, cast("Launcher", launcher), events.append, causes=causes).judgement()
    assert launcher.hybrids == []
    assert all(not isinstance(finding.cause, TraitsCause) for finding in judgement.findings)
