"""Several boots of each case: what shows in some of them is counted, what shows in all of them has a cause as ever."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest

from envparity.engine.run import Run
from envparity.judge.cause import Chance, Everywhere, TraitsCause
from envparity.judge.finding import Verdict
from envparity.launch.port import Launcher
from envparity.model.environment import Environment
from tests.envparity.engine.scripted_hybrids import Booting, given, strict

BOOTS = 8


async def repeated(shows: dict[str, str], *, causes: bool = False) -> tuple[Verdict, Booting]:
    """A run whose startup fails in those boots of an environment that are marked `x`."""
    times: Counter[str] = Counter()

    def fails(environment: Environment) -> bool:
        times[environment.name] += 1
        marks = shows.get(environment.name, "")
        return marks[times[environment.name] - 1 : times[environment.name]] == "x"

    project, launcher, events = given(fails)
    run = Run(project, cast("Launcher", launcher), events.append, repeat=BOOTS, causes=causes)
    return await run.verdict(), launcher


def chances(verdict: Verdict) -> list[Chance]:
    return [finding.cause for finding in (*verdict.findings, *verdict.by_chance) if isinstance(finding.cause, Chance)]


async def test_every_case_is_booted_so_often() -> None:
    verdict, launcher = await repeated({})
    assert verdict.clean
    assert Counter(environment.name for environment in launcher.booted) == {"local": BOOTS, "staging": BOOTS}


async def test_what_shows_in_some_boots_of_both_is_told_and_is_not_red() -> None:
    """In the first boot of neither: it shows in others, and is told of both all the same."""
    verdict, _ = await repeated({"local": "..xx....", "staging": ".x..x..x"})
    assert verdict.clean
    assert verdict.by_chance
    for cause in chances(verdict):
        assert (cause.failing, cause.shown, cause.of) == ("staging", 3, BOOTS)
        assert (cause.passing, cause.elsewhere, cause.of_elsewhere) == ("local", 2, BOOTS)
        assert cause.alike


@pytest.mark.parametrize(("marks", "rates"), [("..x.....", "cannot say"), (".xx.xxx.", "differ")])
async def test_what_shows_in_some_boots_of_one_is_red(marks: str, rates: str) -> None:
    verdict, _ = await repeated({"staging": marks})
    assert not verdict.clean
    assert {finding.environments for finding in verdict.findings} == {("staging",)}
    assert {(chance.shown, chance.elsewhere, chance.rates) for chance in chances(verdict)} == {
        (marks.count("x"), 0, rates)
    }


async def test_what_shows_in_all_boots_is_no_chance() -> None:
    verdict, _ = await repeated({"local": "x" * BOOTS, "staging": "x" * BOOTS}, causes=True)
    assert {type(finding.cause) for finding in verdict.findings} == {Everywhere}


async def test_what_shows_in_all_boots_of_one_environment_has_a_cause_as_ever() -> None:
    project, launcher, events = given(strict)
    verdict = await Run(project, cast("Launcher", launcher), events.append, repeat=3, causes=True).verdict()
    assert {type(finding.cause) for finding in verdict.findings} == {TraitsCause}


async def test_what_changes_a_rate_that_was_counted_is_looked_for() -> None:
    turns: Counter[str] = Counter()

    def fails(environment: Environment) -> bool:
        turns[environment.name] += 1
        return strict(environment) and turns[environment.name] % 4 != 1

    project, launcher, events = given(fails)
    verdict = await Run(project, cast("Launcher", launcher), events.append, repeat=BOOTS, causes=True).verdict()
    assert {(chance.shown, chance.of, chance.changed_by) for chance in chances(verdict)} == {
        (6, BOOTS, ("MODE=strict",))
    }
