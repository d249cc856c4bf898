"""What shows in every boot, and not in every play of it, is told of both: boots that are counted count their plays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from envparity.engine.hybrids import Hybrids, HybridShown
from envparity.engine.oracle import Oracle
from envparity.engine.rates import rate
from envparity.engine.repeats import with_rates
from envparity.engine.shown_once import counted_again
from envparity.isolate import Trait
from envparity.isolate.rates import NOTHING_SEEN
from envparity.judge import judge, singles
from envparity.judge.cause import Chance, PlayCount
from envparity.judge.finding import Finding
from envparity.model.case import Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation
from envparity.observe.transcript import ConnectionClosed, Departure, Transcript
from tests.envparity.engine.scripted_hybrids import given

SMALL, LARGE = Environment("small"), Environment("large")
STEP = 1


def project(*environments: Environment) -> Project:
    known, _, _ = given(lambda _environment: False, *environments)
    scenarios = (Scenario("talk"), Scenario("leave"))
    return Project(msgspec.structs.replace(known.backend, scenarios=scenarios), known.environments)


def talk(code: int, scenario: str = "talk", step: int = STEP) -> Transcript:
    """A play that ended with that code; any but 1000 leaves the script at that step."""
    departure = Departure(step, "close", "a frame", f"close {code}", "a") if code != 1000 else None
    return Transcript(scenario, "conversation", (ConnectionClosed(0.1, "a", "close", code),), departure)


def boot(environment: str, *plays: Transcript) -> Observation:
    """A boot in which these were played; the first is judged."""
    return Observation(Case(environment, "chat"), "fake", "0", transcripts=plays[:1], control=plays[1:])


def chance_of(findings: Sequence[Finding]) -> Chance:
    (cause,) = [finding.cause for finding in findings if "1006" in finding.got]
    assert isinstance(cause, Chance)
    return cause


@pytest.mark.parametrize(
    ("plays", "each"),
    [
        ([talk(1006), talk(1000)], PlayCount(1, 2)),
        ([talk(1006), talk(1000), talk(1006), talk(1000), talk(1000)], PlayCount(2, 5)),
        ([talk(1006), talk(1000), talk(1011)], PlayCount(1, 3)),
        ([talk(1006), talk(1000), talk(1006, step=STEP + 1)], PlayCount(1, 3)),
        ([talk(1006)], None),
    ],
)
async def test_one_environment_that_is_booted_again_counts_plays_too(
    plays: list[Transcript], each: PlayCount | None
) -> None:
    """Of the same failure: at the same step, in the same way. Where each boot had one play, boots say it all."""

    async def once_more(_case: Case, _nth: int) -> Observation:
        return boot("large", *plays)

    known, first = project(LARGE), boot("large", talk(1006), talk(1000))
    judged = await counted_again(known, judge(known, [first]), [first], [first.case], once_more)
    told = chance_of(judged.findings)
    assert (told.shown, told.of) == (NOTHING_SEEN, NOTHING_SEEN)
    assert told.plays == (each and PlayCount(each.shown * NOTHING_SEEN, each.of * NOTHING_SEEN))


def test_boots_that_were_asked_for_count_plays_too() -> None:
    """In boots that do not show it all plays count, and none shows it."""
    known = project(SMALL, LARGE)
    well = (talk(1000), talk(1000))
    boots = [boot("small", *well), boot("large", talk(1006), talk(1000), talk(1000))]
    repeats = {boots[0].case: [boot("small", *well)] * 2, boots[1].case: [boot("large", *well)] * 2}
    told = chance_of(with_rates(known, judge(known, boots), boots, repeats).findings)
    assert (told.shown, told.of, told.elsewhere, told.of_elsewhere) == (1, 3, 0, 3)
    assert (told.plays, told.plays_elsewhere) == (PlayCount(1, 7), PlayCount(0, 6))


async def test_pairs_of_boots_count_plays_too() -> None:
    """Every other boot shows it in one of its plays, in either environment."""
    known = project(SMALL, LARGE)
    broken, well = boot("large", talk(1006), talk(1000)), boot("large", talk(1000))
    turns = itertools.cycle([broken, well, well, broken])

    async def shown(*_: Any, **_more: Any) -> HybridShown:
        seen = next(turns)
        return HybridShown.of(seen, singles(known, [seen]))

    hybrids = SimpleNamespace(
        shown=shown,
        boots=SimpleNamespace(knows=lambda *_, **_more: True),
        traits=(Trait((), "NAME"),),
        booted=0,
        passing=SMALL,
        failing=LARGE,
    )
    (finding,) = [each for each in singles(known, [broken]) if "1006" in each.got]
    oracle = Oracle(finding, (), cast("Hybrids", hybrids), math.inf, lambda _event: None)
    told = await rate(finding, oracle, cast("Hybrids", hybrids), 1, by_chance=True)
    assert isinstance(told, Chance)
    assert 0 < told.shown < told.of
    assert told.plays == PlayCount(told.shown, told.of + told.shown)
    assert told.plays_elsewhere == PlayCount(told.elsewhere, told.of + told.elsewhere)
