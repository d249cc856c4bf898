"""Causes of what shows in some boots, and of what a budget or a deadline ends."""

from __future__ import annotations

import itertools
import random

import pytest

from envparity.isolate import OutOfBoots
from envparity.isolate.rates import ERROR, MOST_PAIRS, NOTHING_SEEN, STRICT_ERROR, times_more
from envparity.judge.cause import Chance, NotFound, TraitsCause
from envparity.model.environment import Environment, Platform
from envparity.report.wording import cause_text, evidence_lines
from tests.envparity.engine.scripted_hybrids import HARMLESS, explained, strict


async def test_a_finding_that_does_not_show_again_has_no_cause() -> None:
    """Nothing is claimed of what comes and goes."""
    finding, launcher = await explained(lambda environment: environment.name == "staging")
    assert isinstance(finding.cause, Chance)
    assert (finding.cause.shown, finding.cause.of, finding.cause.rates) == (0, NOTHING_SEEN, "cannot say")
    assert (finding.cause.elsewhere, finding.cause.of_elsewhere) == (0, NOTHING_SEEN)
    assert len(launcher.hybrids) <= 1 + NOTHING_SEEN  # two findings share the boots that count them
    assert finding.cause.alike, "what its own repetition does not show is told, and makes nothing red"


@pytest.mark.parametrize(
    ("chance", "alike"),
    [
        (Chance(1, MOST_PAIRS, elsewhere=0, of_elsewhere=MOST_PAIRS), True),
        (Chance(2, MOST_PAIRS, elsewhere=0, of_elsewhere=MOST_PAIRS), False),
        (Chance(1, 8, elsewhere=0, of_elsewhere=8), False),
        (Chance(1, MOST_PAIRS), False),
        (Chance(1, MOST_PAIRS, elsewhere=0, of_elsewhere=MOST_PAIRS, rates="differ"), False),
    ],
)
def test_what_shows_once_again_in_all_boots_that_it_takes_is_no_difference(chance: Chance, alike: bool) -> None:
    """One of sixteen is what a moment of the machine is. Of fewer, or of one environment alone, nobody knows."""
    assert chance.alike is alike


async def test_what_every_boot_of_both_shows_that_was_made_to_count_is_no_chance() -> None:
    """The boot in which the other environment passed was: a broken promise does not become one that is kept by it."""
    finding, _ = await explained(lambda environment: environment.name != "local")
    assert isinstance(finding.cause, NotFound)
    assert finding.cause.why == "passing shows it"


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


def alone(environment: Environment, *names: str) -> bool:
    """Whether that hybrid has these settings of staging and nothing else."""
    there = {name for name in environment.settings if name in HARMLESS} | ({"MODE"} if strict(environment) else set())
    return there == {*names} and environment.platform == Platform()


async def test_a_cause_that_another_boot_contradicts_is_shown_more_often() -> None:
    """More differences heal it in some boots: that may be so, or it is chance."""
    plain, _ = await explained(strict)

    def fails(environment: Environment) -> bool:
        return strict(environment) and (
            "HARMLESS_05" not in environment.settings or "HARMLESS_35" in environment.settings
        )

    healed, launcher = await explained(fails)
    assert cause_text(plain.cause) == cause_text(healed.cause) == "MODE=strict alone"
    assert isinstance(healed.cause, TraitsCause)
    assert healed.cause.shown == 2 + times_more(STRICT_ERROR)
    assert sum(alone(environment, "MODE") for environment in launcher.hybrids) == 2 + times_more(STRICT_ERROR)


async def test_a_part_that_was_silent_by_chance_brings_no_innocent_into_the_cause() -> None:
    """With MODE alone it is silent once when that is asked, and once more when the couple is tried."""
    silent = itertools.count()

    def fails(environment: Environment) -> bool:
        return strict(environment) and not (alone(environment, "MODE") and next(silent) in {0, 1})

    finding, _ = await explained(fails)
    assert not isinstance(finding.cause, TraitsCause) or finding.cause.alternatives == (("MODE=strict",),)


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
