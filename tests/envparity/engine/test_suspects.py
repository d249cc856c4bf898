"""What made the difference of one finding is asked about first for the next, however that is looked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self, cast

import msgspec
import pytest

from envparity.engine import hybrid_boots
from envparity.engine.causes import CauseFinder
from envparity.engine.hybrids import Hybrids
from envparity.engine.observer import Observer
from envparity.engine.oracle import CountedBoot, Oracle
from envparity.engine.places import Places
from envparity.engine.rates import with_what_changes_it
from envparity.engine.suspects import Suspects
from envparity.isolate import SearchProgress, Trait, differences
from envparity.judge import judge
from envparity.judge.cause import Chance, TraitsCause
from envparity.launch.port import Launcher, Stack
from envparity.model.case import Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation
from envparity.observe.transcript import Departure, Transcript
from tests.envparity.engine.scripted_hybrids import LOCAL, STAGING, given, strict

MODE, HOST, REGION = (Trait((), name) for name in ("MODE", "HOST", "REGION"))


def test_those_of_most_findings_come_first_and_no_more_than_a_search_can_bear() -> None:
    suspects = Suspects()
    for cause in ([HOST], [MODE], [REGION], [MODE, REGION], [MODE]):
        suspects.name([cause])
    assert suspects.among((HOST, REGION, MODE)) == (MODE, REGION)
    assert suspects.among((HOST,)) == (HOST,)


@dataclass
class Counted:
    """Stands for an oracle and its hybrids: every other boot with MODE=strict shows it. Keeps the sets it was asked."""

    suspects: Suspects
    traits: tuple[Trait, ...] = differences(LOCAL, STAGING)
    asked: dict[frozenset[Trait], int] = field(default_factory=dict)

    async def counted(self, traits: frozenset[Trait]) -> CountedBoot:
        self.asked[traits] = self.asked.get(traits, 0) + 1
        return CountedBoot("MODE=strict" in map(str, traits) and self.asked[traits] % 2 == 1, None)

    def behind_an_ingress(self) -> None:
        """There is none."""

    def tell(self, _progress: SearchProgress) -> None:
        """Nobody is waiting."""

    def of(self, _hybrids: object) -> Self:
        return self


async def test_what_changes_one_rate_is_asked_about_first_for_the_next() -> None:
    suspects, sets = Suspects(), list[int]()
    for _ in range(2):
        asked = Counted(suspects)
        chance = Chance(8, 16, elsewhere=0, of_elsewhere=16)
        told = await with_what_changes_it(chance, cast("Oracle", asked), cast("Hybrids", asked), 40)
        assert told.changed_by == ("MODE=strict",)
        sets.append(len(asked.asked))
    assert sets[1] <= 2 < sets[0]


async def boots_of(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many boots the causes of so many scenarios take, of which each disturbs and is played by itself."""
    names = [f"s{at}" for at in range(count)]

    def seen(environment: Environment, case: Case, chosen: list[str]) -> Observation:
        left = {name: Departure(1, "frame", f"a of {name}", f"b of {name}", "a") for name in chosen}
        played = tuple(
            Transcript(name, "conversation", departure=left[name] if strict(environment) else None) for name in chosen
        )
        return Observation(case, "fake", "00000000", transcripts=played)

    async def played_on(
        _observer: Observer, stack: Stack, chosen: list[Scenario], *_also: object, environment: Environment, **_how: Any
    ) -> Observation:
        return seen(environment, stack.case, [scenario.name for scenario in chosen])

    monkeypatch.setattr(hybrid_boots, "played_on", played_on)
    known, launcher, events = given(lambda _environment: False)
    scenarios = tuple(Scenario(name, disruptive=True) for name in names)
    project = Project(msgspec.structs.replace(known.backend, scenarios=scenarios), known.environments)
    boots = [seen(side, Case(side.name, "chat"), names) for side in (LOCAL, STAGING)]
    observer = Observer(project.backend, "fake", "00000000", events.append)
    places = Places(1, share=lambda: None)  # nothing is booted ahead
    finder = CauseFinder(project, cast("Launcher", launcher), observer, events.append, places=places)
    told = await finder.explain(judge(project, boots), boots)
    assert [isinstance(finding.cause, TraitsCause) for finding in told.findings] == [True] * count
    return len(launcher.booted)


async def test_what_made_one_scenario_fail_is_asked_about_first_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two are looked for at the same time."""
    by_itself = await boots_of(1, monkeypatch)
    assert await boots_of(6, monkeypatch) <= 6 * by_itself - 4 * 3
