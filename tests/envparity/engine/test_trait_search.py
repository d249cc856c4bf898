"""How many boots the questions of a search take, whoever answers them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

import msgspec
import pytest

from envparity.engine.hybrids import Hybrids
from envparity.engine.suspects import Suspects
from envparity.engine.trait_search import found_by, shows_again
from envparity.isolate import Outcome, SearchProgress, Trait, carried, differences
from envparity.isolate.rates import STRICT_ERROR, times_more
from envparity.model.case import Case
from envparity.model.environment import Environment, Ingress, Platform
from envparity.observe.record import Observation
from envparity.observe.transcript import Departure, Transcript

PASSING = Environment("local")
FAILING = Environment("cloud", platform=Platform(replicas=2), ingress=Ingress("nginx", tls=True, host="api.example"))
KEPT = Transcript("hello", "usual")
LEFT = Transcript("hello", "usual", departure=Departure(0, "timeout", "welcome", "nothing"))


@dataclass
class Between:
    """Stands for the hybrids of two environments; `behind` for those behind an ingress that changes nothing."""

    base: Environment
    behind: Between | None = None
    ends: tuple[Observation, Observation] | None = None
    failing: Environment = FAILING
    suspects: Suspects = field(default_factory=Suspects)

    @property
    def traits(self) -> tuple[Trait, ...]:
        return differences(self.base, self.failing)

    def behind_an_ingress(self) -> Between | None:
        return self.behind


@dataclass
class Answers:
    """Answers that it shows with the whole ingress, and behind one with that trait ("": whatever it is like).

    Keeps what it was asked.
    """

    name: str
    behind: bool = False
    asked: list[str] = field(default_factory=list)
    unsteady: bool = False
    forks: int = 0
    is_contradicted: bool = False

    def of(self, _hybrids: object) -> Self:
        return replace(self, behind=True)  # what it is asked is kept in the same list

    def tell(self, _progress: SearchProgress) -> None:
        """Nobody is waiting."""

    def contradicted(self, _causes: object) -> bool:
        return self.is_contradicted

    def _answer(self, how: str, traits: frozenset[Trait]) -> Outcome:
        self.asked.append(how)
        names = ", ".join(map(str, traits))
        shows = self.name in names if self.behind else "ingress nginx" in names
        return Outcome.SHOWS if shows else Outcome.PASSES

    async def cold(self, traits: frozenset[Trait]) -> Outcome:
        return self._answer("cold", traits)

    async def twice(self, traits: frozenset[Trait]) -> Outcome:
        return self._answer("twice", traits)

    quick = cold


def between() -> Between:
    behind = carried(PASSING, FAILING)
    assert behind is not None
    return Between(PASSING, Between(behind))


@pytest.mark.parametrize(("name", "twice"), [("replicas", 0), ("", 1)])
async def test_a_whole_ingress_is_asked_once_more_only_where_it_cannot_be_taken_apart(name: str, twice: int) -> None:
    """Where it can, the boots of its parts say what another one of the whole would."""
    answers = Answers(name)
    search = await found_by(answers, cast("Hybrids", between()), (), 40, forks=False)
    assert search.steady
    assert (search.finer is search.found, answers.asked.count("twice")) == (bool(twice), twice)
    assert len(answers.asked) <= 8


async def test_a_whole_ingress_weighs_as_much_as_what_came_with_it() -> None:
    """Among sixteen settings it is found in two boots and not in five: it stands for seven differences."""
    settings = {f"FLAG_{number:02}": "on" for number in range(16)}
    failing = msgspec.structs.replace(FAILING, settings=settings)
    behind = carried(PASSING, failing)
    assert behind is not None
    hybrids = Between(PASSING, Between(behind, failing=failing), failing=failing)
    assert len(hybrids.traits) == 1 + len(settings)
    search = await found_by(Answers("replicas"), cast("Hybrids", hybrids), (), 40, forks=False)
    assert [tuple(map(str, cause)) for cause in search.finer.causes] == [("platform.replicas=2",)]
    assert search.found.boots <= 4


@pytest.mark.parametrize("name", ["replicas", ""])
async def test_what_another_boot_contradicts_is_shown_until_it_is_sure(name: str) -> None:
    """Also what was taken apart, and that stays as fine as it was found."""
    answers = Answers(name, is_contradicted=True)
    search = await found_by(answers, cast("Hybrids", between()), (), 40, forks=False)
    assert search.steady
    assert answers.asked.count("twice") == times_more(STRICT_ERROR)
    assert (search.finer is search.found) is (name == "")


@pytest.mark.parametrize(
    ("plays", "asked"), [((LEFT, LEFT), "cold"), ((LEFT,), "twice"), ((LEFT, KEPT), "twice"), ((), "twice")]
)
async def test_it_is_played_twice_where_one_play_alone_has_shown_it(plays: tuple[Transcript, ...], asked: str) -> None:
    """What each of several plays has shown is no chance of one."""
    seen = Observation(Case("cloud", "chat"), "fake", "0", transcripts=plays[:1], control=plays[1:])
    hybrids = between()
    hybrids.ends = seen, seen
    answers = Answers("replicas")
    assert await shows_again(answers, cast("Any", hybrids), ("hello",))
    assert answers.asked == [asked]
