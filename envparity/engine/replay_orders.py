"""Booting the orders of a finding again: which they were, and what they show now, cold or beside what stands."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby

from envparity.engine.events import Emit, Waiting
from envparity.engine.explore import Explorer, covering_folder, graph_of
from envparity.engine.live_run import LiveRun
from envparity.engine.observer import Observer
from envparity.engine.recorded import RecordedRun
from envparity.engine.replay_answer import ReplayAnswer
from envparity.engine.run import Run
from envparity.errors import ConfigurationError, Mistake
from envparity.judge import conduct, judge
from envparity.judge.confirm import cases_to_confirm, confirm, only_warm
from envparity.judge.finding import Finding, Judgement
from envparity.launch import choose
from envparity.model.case import Boot, Case
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.orders import experiments
from envparity.orders.graph import Graph

__all__ = ["order_cases", "orders_again"]

_AT_ONCE = 3


def orders_again(
    finding: Finding,
    names: Sequence[str],
    run: RecordedRun,
    project: Project,
    launcher: str,
    *,
    emit: Emit,
) -> ReplayAnswer:
    """In fresh containers: what a warm boot shows is not proof.

    Only what was a fork's own word is asked of forks again, and then of fresh containers too. `names` are the
    environments that show it.
    """
    cases = order_cases(finding, names, run, project)
    if finding.instead_of is not None or conduct(finding).confirm == "nothing":
        judgement, observations = _beside(project, launcher, cases, emit)
    else:
        judgement, observations = _cold(project, launcher, cases, emit)
    played = sum(len(observation.transcripts) for observation in observations)
    return ReplayAnswer(judgement.findings, tuple(project.environments), len(observations), played, of_orders=True)


def order_cases(finding: Finding, names: Sequence[str], run: RecordedRun, project: Project) -> tuple[Case, ...]:
    """Of each of these environments the canonical order and the first order that showed the finding.

    A saved run says how each order was booted; for one of an earlier version they are planned again from the graph
    that the backend declared then. Raises `ConfigurationError` where neither gives any of them.
    """
    wanted: list[Case] = []
    for name in names:
        steady, environment = run.observed(name), project.environments.get(name)
        if steady is None or environment is None:
            continue
        graph = _graph(steady)
        canonical = Boot(order=graph.canonical) if graph is not None and project.backend.order_setting else Boot()
        kept = {
            booted.order_case: booted.boot for booted in run.booted if booted.case == name and booted.boot is not None
        }
        boots = kept or _planned_again(run, project, environment, graph)
        usual = Case(name, project.backend.name, canonical)
        shown = [boots[case] for case in finding.cases if case in boots and case != usual.id]
        if shown or usual.id in finding.cases:
            wanted += [usual, *(Case(name, project.backend.name, boot) for boot in shown[:1])]
    if not wanted:
        got = "orders that are not planned any more"
        action = f"`envparity run --orders {run.project.orders or 3}` boots them all"
        raise ConfigurationError([Mistake("replay", 0, finding.id, "the orders that showed it", got, action)])
    return tuple(wanted)


def _graph(steady: Observation) -> Graph | None:

    reports = [replica.startup for replica in steady.replicas]
    return graph_of(reports[0]) if reports and reports[0] is not None and reports[0].steps else None


def _planned_again(
    run: RecordedRun, project: Project, environment: Environment, graph: Graph | None
) -> dict[str, Boot]:
    """The orders by the ids of their cases, as a run of that strength plans them."""
    boots = experiments.order_boots(
        graph if graph is not None else Graph.of({}),
        tuple(environment.dependencies),
        strength=run.project.orders,
        cache=covering_folder(),
        orderable=project.backend.order_setting is not None and graph is not None,
    )
    return {Case(environment.name, project.backend.name, boot).id: boot for boot in boots.all}


def _cold(project: Project, name: str, cases: Sequence[Case], emit: Emit) -> tuple[Judgement, tuple[Observation, ...]]:

    launcher = choose.choose_launcher(name, project, lambda waited_for: emit(Waiting("", waited_for)))
    explorer = Explorer(project, launcher, Observer(project.backend, launcher.name, launcher.run_id, emit), emit)
    with LiveRun(lambda: Run(project, launcher, emit)) as live:  # it owns the event loop, and leaves nothing behind
        observations = live.ask(_several(explorer, cases))
    return judge(project, observations), observations


async def _several(explorer: Explorer, cases: Sequence[Case]) -> tuple[Observation, ...]:
    """So many stacks at a time as a run has; most of a boot is waiting."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def observe(case: Case) -> Observation:
        async with places:
            return await explorer.observe_cold(case)

    return tuple(await asyncio.gather(*map(observe, cases)))


def _beside(
    project: Project, name: str, cases: Sequence[Case], emit: Emit
) -> tuple[Judgement, tuple[Observation, ...]]:

    launcher = choose.choose_launcher(name, project, lambda waited_for: emit(Waiting("", waited_for)))
    forked: list[Observation] = []
    cold: list[Observation] = []
    with LiveRun(lambda: Run(project, launcher, emit)) as live:
        for environment, group in groupby(cases, key=lambda case: case.environment):
            with live.warm(environment) as beside:
                boots = [case.boot for case in group]
                seen = [beside.observe(boot) for boot in boots]
                asked = {each_case.boot for each_case in cases_to_confirm(only_warm(judge(project, seen), seen), seen)}
                cold += [beside.observe_cold(boot) for boot in boots if boot in asked]  # the canonical one first
                forked += seen
    judgement = judge(project, forked)
    cold += [observation for observation in forked if not observation.warm]
    judgement = confirm(judgement, only_warm(judgement, forked), judge(project, cold))
    return judgement, (*forked, *cold)
