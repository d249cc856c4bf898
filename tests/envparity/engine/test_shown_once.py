"""What one boot alone has shown is booted again before it is told, and counted where it does not show each time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from typing import cast

import msgspec
import pytest

from envparity.engine.repeats import with_rates
from envparity.engine.run import Run
from envparity.engine.shown_once import counted_again
from envparity.isolate.rates import MOST_PAIRS, NOTHING_SEEN
from envparity.judge import judge
from envparity.judge.cause import Chance
from envparity.judge.finding import Finding, Verdict
from envparity.launch.port import Launcher
from envparity.model.case import Case
from envparity.model.environment import Environment, Platform
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation
from envparity.observe.transcript import ConnectionClosed, Departure, Transcript
from tests.envparity.engine.scripted_hybrids import LOCAL, STAGING, given

LARGE = Environment("large", platform=Platform(replicas=2))
SMALL = Environment("small")
RESTART = "restart"


def project(*environments: Environment) -> Project:
    known, _, _ = given(lambda _environment: False, *environments)
    scenarios = (Scenario("talk"), Scenario(RESTART, replicas=2, disruptive=True), Scenario("leave"))
    return Project(msgspec.structs.replace(known.backend, scenarios=scenarios), known.environments)


def seen(environment: str, **closes: int) -> Observation:
    """A boot whose conversations ended with these codes; any but 1000 leaves the script."""
    played = tuple(
        Transcript(
            name,
            "conversation",
            (ConnectionClosed(0.1, "a", "close", code),),
            Departure(1, "close", "a frame", f"close {code}", "a") if code != 1000 else None,
        )
        for name, code in closes.items()
    )
    return Observation(Case(environment, "chat"), "fake", "00000000", transcripts=played)


UNSTOOD = Observation(Case("large", "chat"), "fake", "00000000", launch_failure="no room")


async def again(
    boots: Sequence[Observation], further: Sequence[Observation], *environments: Environment, seconds: float = 60.0
) -> tuple[Finding, int]:
    """The finding about `close 1006` after as many further boots of `large` as it took, and how many these were."""
    turns = itertools.cycle(further)
    asked: list[int] = []

    async def once_more(case: Case, nth: int) -> Observation:
        if case.environment == "small":  # shows again what it has shown
            return boots[0]
        asked.append(nth)
        return next(turns)

    known = project(*environments or (SMALL, LARGE))
    planned = [observation.case for observation in boots]
    judgement = await counted_again(known, judge(known, boots), boots, planned, once_more, seconds=seconds)
    assert asked == list(range(len(asked)))
    return next(finding for finding in judgement.findings if "1006" in finding.got), len(asked)


BROKEN, WELL = seen("large", restart=1006), seen("large", restart=1000)
BOOTS = (seen("small", talk=1000), BROKEN)


async def test_what_shows_again_is_told_as_it_is() -> None:
    finding, boots = await again(BOOTS, [BROKEN])
    assert (finding.cause, boots) == (None, 1)


async def test_what_never_shows_again_is_chance_and_not_red() -> None:
    """The boot that makes somebody count is in neither number."""
    finding, boots = await again(BOOTS, [WELL])
    assert finding.cause == Chance(0, NOTHING_SEEN, failing="large")
    assert finding.cause.alike
    assert boots == 1 + NOTHING_SEEN


async def test_what_shows_in_some_boots_has_its_rate() -> None:
    finding, boots = await again(BOOTS, [WELL, WELL, BROKEN])
    assert finding.cause == Chance(3, NOTHING_SEEN, failing="large")
    assert not finding.cause.alike, "no other environment says that it is nothing"
    assert boots == 1 + NOTHING_SEEN


async def test_what_came_again_once_is_counted_for_longer() -> None:
    finding, boots = await again(BOOTS, [WELL, BROKEN, *[WELL] * MOST_PAIRS])
    assert finding.cause == Chance(1, MOST_PAIRS, failing="large")
    assert boots == 1 + MOST_PAIRS


async def test_what_some_plays_of_one_boot_show_is_counted_at_once() -> None:
    """It is known not to show always: the first further boot is one of those that count."""
    twice = Observation(BROKEN.case, "fake", "00000000", transcripts=BROKEN.transcripts, control=WELL.transcripts)
    finding, boots = await again((BOOTS[0], twice), [BROKEN, WELL])
    assert finding.cause == Chance(NOTHING_SEEN // 2, NOTHING_SEEN, failing="large")
    assert boots == NOTHING_SEEN


@pytest.mark.parametrize(
    ("further", "shows"),
    [(seen("large", restart=1006), True), (seen("large", restart=1000), False), (None, False)],
)
async def test_what_some_plays_show_in_every_environment_is_red_at_its_rate_where_it_shows_again(
    further: Observation | None, shows: bool
) -> None:
    """Else it is a moment of the machine that they share, and makes nothing red; so it is where no time is left."""
    boots = tuple(
        msgspec.structs.replace(seen(name, restart=1006), control=seen(name, restart=1000).transcripts)
        for name in ("small", "large")
    )
    known = project(SMALL, LARGE)
    judged = with_rates(known, judge(known, boots), boots, {})
    chance = next(finding.cause for finding in judged.findings if "1006" in finding.got)
    assert isinstance(chance, Chance)
    assert (chance.shown, chance.of, chance.noun, chance.alike) == (1, 2, "plays", True)

    async def once_more(case: Case, _nth: int) -> Observation:
        if further is None:
            await asyncio.Event().wait()
        assert further is not None
        return msgspec.structs.replace(further, case=case)

    planned = [observation.case for observation in boots]
    again = await counted_again(known, judged, boots, planned, once_more, seconds=1.0)
    told = next(finding.cause for finding in again.findings if "1006" in finding.got)
    assert told == msgspec.structs.replace(chance, again=shows)


async def test_all_that_is_asked_of_a_case_is_asked_of_the_same_boot() -> None:
    """What it alone has shown, and what it shows in most of its plays."""
    well = seen("small", talk=1000).transcripts
    boots = (
        msgspec.structs.replace(seen("small", talk=1008), control=well),
        msgspec.structs.replace(
            seen("large", talk=1008, restart=1006), control=(*seen("large", talk=1008).transcripts, *well)
        ),
    )
    known = project(SMALL, LARGE)
    judged = with_rates(known, judge(known, boots), boots, {})
    booted: list[int] = []

    async def once_more(case: Case, nth: int) -> Observation:
        assert case == boots[1].case
        booted.append(nth)
        return boots[1]

    planned = [observation.case for observation in boots]
    again = await counted_again(known, judged, boots, planned, once_more)
    causes = {finding.got: finding.cause for finding in again.findings}
    assert booted == [0]
    assert causes["close 1006"] is None
    assert isinstance(causes["close 1008"], Chance)
    assert causes["close 1008"].again


async def test_a_boot_without_an_answer_is_not_counted() -> None:
    """What was not stood up, and what failed before it came to the restart."""
    finding, boots = await again(BOOTS, [WELL, UNSTOOD, WELL])
    assert isinstance(finding.cause, Chance)
    assert (finding.cause.shown, boots > finding.cause.of >= NOTHING_SEEN) == (0, True)
    finding, boots = await again(BOOTS, [UNSTOOD])
    assert (finding.cause, boots) == (None, 5)
    finding, _ = await again(BOOTS, [UNSTOOD, BROKEN])
    assert finding.cause is None, "the boots that answered have all shown it"


async def test_any_of_the_scenarios_that_show_it_counts() -> None:
    """Merged of two: that which one of them shows again has shown again."""
    both = seen("large", restart=1006, leave=1006)
    finding, boots = await again((BOOTS[0], both), [seen("large", restart=1000, leave=1006)])
    assert set(finding.scenarios) == {RESTART, "leave"}
    assert (finding.cause, boots) == (None, 1)


@pytest.mark.parametrize(
    "boots",
    [
        (seen("small", restart=1000), BROKEN),  # the search for its cause asks
        (seen("small", restart=1006), BROKEN),  # it has shown twice
    ],
)
async def test_what_another_environment_could_show_is_not_booted_again(boots: Sequence[Observation]) -> None:
    finding, made = await again(boots, [WELL])
    assert (finding.cause, made) == (None, 0)


async def test_where_nothing_passes_for_another_failure_is_in_the_way_it_is_booted_again() -> None:
    finding, _ = await again((seen("small", restart=1011), BROKEN), [WELL])
    assert finding.cause == Chance(0, NOTHING_SEEN, failing="large")


async def test_where_the_time_is_over_what_was_counted_by_then_is_told() -> None:
    """No time at all: it is told as it was seen."""
    finding, boots = await again(BOOTS, [WELL], seconds=0.0)
    assert finding.cause is None
    assert boots <= 1

    async def for_ever(case: Case, nth: int) -> Observation:
        if nth >= 5:
            await asyncio.Event().wait()
        return Observation(case, "fake", "00000000", transcripts=WELL.transcripts)

    known = project(SMALL, LARGE)
    planned = [observation.case for observation in BOOTS]
    judged = await counted_again(known, judge(known, BOOTS), BOOTS, planned, for_ever, seconds=0.2)
    assert Chance(0, 4, failing="large") in [finding.cause for finding in judged.findings]


async def verdict_of(first: str, *environments: Environment, causes: bool = True) -> tuple[Verdict, int]:
    """A run in which only the first boot of that environment fails, and how often it was booted."""
    times = itertools.count()
    known, launcher, events = given(lambda environment: environment.name == first and next(times) == 0, *environments)
    verdict = await Run(known, cast("Launcher", launcher), events.append, causes=causes).verdict()
    return verdict, [environment.name for environment in launcher.booted].count(first)


async def test_a_run_of_one_environment_is_not_red_for_what_it_does_not_show_again() -> None:
    verdict, boots = await verdict_of("staging", STAGING)
    assert verdict.clean
    assert {finding.code for finding in verdict.by_chance} >= {"EP101"}
    assert boots == 2 + NOTHING_SEEN


@pytest.mark.parametrize(("environments", "causes"), [((STAGING,), False), ((LOCAL, STAGING), True)])
async def test_nothing_is_booted_again_by_itself_without_causes_nor_where_another_passes(
    environments: tuple[Environment, ...], causes: bool
) -> None:
    _, boots = await verdict_of("staging", *environments, causes=causes)
    assert boots == 1
