"""What came with an ingress, taken apart: the property that does it is named, and nothing that is not known to hold."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.engine.finer import Finer, behind_an_ingress
from envparity.isolate import Outcome, Trait, carried, differences
from envparity.model.environment import Environment, FromSource, Ingress, Platform

PASSING = Environment("local", settings={"PROXIES": "", "MODE": "plain"})
FAILING = Environment(
    "cloud",
    settings={"PROXIES": FromSource("ingress.network"), "MODE": "strict"},
    platform=Platform(replicas=3),
    ingress=Ingress("nginx", tls=True, host="api.example"),
)
COARSE = differences(PASSING, FAILING)
WHOLE = next(trait for trait in COARSE if "ingress nginx" in str(trait))
MODE = next(trait for trait in COARSE if str(trait) == "MODE=strict")
BEHIND = carried(PASSING, FAILING)
assert BEHIND is not None
FINE = differences(BEHIND, FAILING)
NAMES = tuple(map(str, FINE))

Fails = Callable[[frozenset[str]], bool]


async def found(fails: Fails, *, cause: tuple[Trait, ...] = (WHOLE,), unknown: Fails = lambda _: False) -> Finer | None:
    async def test(traits: frozenset[Trait]) -> Outcome:
        names = frozenset(map(str, traits))
        if unknown(names):
            return Outcome.UNKNOWN
        return Outcome.SHOWS if fails(names) else Outcome.PASSES

    return await behind_an_ingress([cause], FINE, test, most=40)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "MODE=strict"])
async def test_what_does_it_alone_is_named_alone(name: str) -> None:
    """Replicas, TLS, the host, a limit, or who takes the ingress's network."""
    finer = await found(lambda traits: name in traits)
    assert finer is not None
    assert [list(map(str, cause)) for cause in finer.causes] == [[name]]
    assert finer.boots <= 5


async def test_what_it_was_needed_with_stays_part_of_the_cause() -> None:
    finer = await found(lambda traits: {"platform.replicas=3", "MODE=strict"} <= traits, cause=(MODE, WHOLE))
    assert finer is not None
    assert {str(trait) for trait in finer.causes[0]} == {"platform.replicas=3", "MODE=strict"}


async def test_a_bare_ingress_that_fails_is_not_taken_apart() -> None:
    """A proxy that drops a header does it whatever its limits are."""
    assert await found(lambda _: True) is None


async def test_where_nobody_can_say_it_is_not_taken_apart() -> None:
    """Neither where the bare ingress gives no answer, nor where the failing environment gives none without it."""
    tls = "ingress.tls=true"
    assert await found(lambda traits: tls in traits, unknown=lambda traits: not traits) is None
    assert await found(lambda traits: tls in traits, unknown=lambda traits: len(traits) == len(NAMES) - 1) is None


async def test_what_fails_without_it_as_well_is_not_its_doing() -> None:
    """Another difference does it too, so that the failing environment does not pass without what is named."""
    assert await found(lambda traits: bool({"ingress.tls=true", "MODE=strict"} & traits)) is None


async def test_a_part_that_passed_once_and_shows_it_in_the_next_boot_is_told() -> None:
    """Of a race that replicas lose almost always, one boot without it says nothing of TLS."""
    alone = itertools.count()

    def fails(traits: frozenset[str]) -> bool:
        if traits == {"platform.replicas=3"}:
            return next(alone) > 0
        return "platform.replicas=3" in traits and "ingress.tls=true" in traits

    finer = await found(fails)
    assert finer is not None
    assert [{*map(str, traits)} for traits in finer.flaky] == [{"platform.replicas=3"}]


@pytest.mark.parametrize(("rest", "told"), [(Outcome.SHOWS, 1), (Outcome.UNKNOWN, 1), (Outcome.PASSES, 0)])
async def test_a_part_that_fails_otherwise_is_needed_where_the_rest_passes_without_it(rest: Outcome, told: int) -> None:
    """Of a race of many shapes: what is not the same failure says nothing of TLS, but the failing side does."""
    alone = itertools.count()
    replicas, tls = "platform.replicas=3", "ingress.tls=true"

    async def test(traits: frozenset[Trait]) -> Outcome:
        names = frozenset(map(str, traits))
        if names == {replicas}:
            return Outcome.UNKNOWN if next(alone) else Outcome.PASSES
        if names == {*NAMES} - {tls}:
            return rest
        return Outcome.SHOWS if {replicas, tls} <= names else Outcome.PASSES

    finer = await behind_an_ingress([(WHOLE,)], FINE, test, most=40)
    assert finer is not None
    assert [{*map(str, traits)} for traits in finer.flaky] == told * [{replicas}]


@given(st.sets(st.sampled_from([name for name in NAMES if name != "MODE=strict"]), min_size=1, max_size=3))
async def test_whatever_is_named_is_minimal(needed: set[str]) -> None:
    finer = await found(lambda traits: needed <= traits)
    assert finer is not None
    assert [{str(trait) for trait in cause} for cause in finer.causes] == [needed]
