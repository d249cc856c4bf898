"""Causes of what scenarios show, alone and merged, and that none is named which is not true."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection
from typing import cast

import hypothesis
import msgspec
from hypothesis import strategies as st

from envparity.engine.causes import CauseFinder
from envparity.engine.ends import Ends, ends_of
from envparity.engine.observer import Observer
from envparity.engine.run import Run
from envparity.judge import judge, singles
from envparity.judge.cause import NotFound, TraitsCause
from envparity.judge.finding import Finding, Judgement
from envparity.launch.port import Launcher
from envparity.model.case import Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation
from envparity.observe.transcript import ConnectionClosed, Departure, Transcript
from envparity.report.wording import cause_text
from tests.envparity.engine.scripted_hybrids import LOCAL, STAGING, explained, given, strict


async def test_a_setting_that_differs_is_its_own_cause() -> None:
    """No boot is spent on a finding that names the difference, nor on one about orders, which finds its own cause."""
    project, launcher, events = given(strict)
    observations = await Run(project, cast("Launcher", launcher), events.append).observe_all()
    found = tuple(
        Finding(code, "", "MODE", "", "", ("staging",), ("staging",)) for code in ("EP203", "EP204", "EP213", "EP901")
    )
    observer = Observer(project.backend, "fake", "00000000", events.append)
    finder = CauseFinder(project, cast("Launcher", launcher), observer, events.append)
    assert (await finder.explain(Judgement(found, (), 1), observations)).findings == found
    assert launcher.hybrids == []


async def test_a_scenario_that_restarts_something_is_played_by_itself() -> None:
    """Findings of other scenarios do not wait for it in each of their boots."""
    project, launcher, events = given(strict)
    scenarios = tuple(Scenario(name, disruptive=name == "restart") for name in ("talk", "chat", "restart"))
    project = Project(msgspec.structs.replace(project.backend, scenarios=scenarios), project.environments)
    observer = Observer(project.backend, "fake", "00000000", events.append)
    finder = CauseFinder(project, cast("Launcher", launcher), observer, events.append)
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
    project, _, _ = given(strict)
    scenarios = tuple(Scenario(name) for name in ("chat", "login"))
    project = Project(msgspec.structs.replace(project.backend, scenarios=scenarios), project.environments)

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
    (finding,) = [finding for finding in judge(project, boots).findings if finding.code == "EP303"]
    assert (finding.scenario, finding.scenarios) == ("chat", ("chat", "login"))
    (case,) = ends_of(finding, singles(project, boots), boots, project.environments)
    assert (case.finding.scenario, case.passing.case.id, case.failing.case.id) == ("login", "local", "staging")
    boots[0] = seen("local", chat=1000, login=1000)
    cases = ends_of(finding, singles(project, boots), boots, project.environments)
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
