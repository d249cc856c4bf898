"""From breaches to findings: each is made once, what follows from a root is counted under it, equal ones become one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from envparity.judge.evidence import KeptIn
from envparity.judge.explored import EXPLORED
from envparity.judge.finding import Breach, Finding
from envparity.judge.merging import Rank, merge
from envparity.judge.registry import breaches, conduct, every_rule, rule
from envparity.judge.roots import of_environments, under_orders, under_roots, without_expected
from envparity.judge.rules import ContractRule, ParityRule, Rule
from envparity.judge.view import RunView
from envparity.model.deployed.target import parse_target
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = ["attribute", "singles"]

_STRENGTH = "3"
"""The strength of the covering set with which a gate boots orders; a replay boots the same."""


def attribute(view: RunView, rank: Rank) -> list[Finding]:
    """Hold every observation against every rule; one root gives one finding, merged over environments.

    `rank` orders scenarios; the first of those that show a finding is the one to replay.
    """
    merged = [_finished(view, finding, rank) for finding in merge(singles(view), rank)]
    merged.sort(key=lambda value: (value.code, rank(value.scenario or ""), value.where, value.got))
    return list(_told_apart(merged))


def singles(view: RunView) -> list[Finding]:
    """What `attribute` merges: one finding for each root and each boot that shows it, in one scenario at most."""
    compared = list(_of_several(view))
    alone = without_expected(view, list(_of_single(view)), compared)
    return [*under_orders(view, under_roots(view, alone), compared), *of_environments(view, compared)]


def _of_single(view: RunView) -> Iterator[Finding]:
    """What was never stood up shows nothing that could be judged, but that it was not."""
    for observation in view.observations:
        for known in every_rule():
            if isinstance(known, ContractRule) and (observation.launch_failure is None or known.conduct.unseen):
                for breach in breaches(known, partial(known.check, view, observation)):
                    yield _finding(known, breach, observation)


def _of_several(view: RunView) -> Iterator[Finding]:
    for known in every_rule():
        if isinstance(known, ParityRule):
            for breach in breaches(known, partial(known.check, view)):
                yield _finding(known, breach)


def _finding(known: Rule, breach: Breach, observation: Observation | None = None) -> Finding:
    case = observation.case if observation is not None else None
    own = (breach.scenario,) if breach.scenario is not None else ()
    return Finding(
        code=known.code,
        title=f"{known.title}: {breach.component}" if breach.component else known.title,
        where=breach.where,
        expected=breach.expected,
        got=breach.got,
        environments=breach.environments or ((case.environment,) if case is not None else ()),
        cases=breach.cases or ((case.id,) if case is not None else ()),
        scenario=breach.scenario,
        scenarios=breach.scenarios or own,
        component=breach.component,
        evidence=breach.evidence,
        action=breach.action or known.action,
        step=breach.step,
        nature=breach.nature,
        symptom=breach.symptom,
        raised=breach.raised,
        paths=breach.paths,
        places=breach.places,
    )


def _finished(view: RunView, finding: Finding, rank: Rank) -> Finding:
    """With the environments that keep to the script that it leaves, and the command that shows it again."""
    kept = view.kept.get(finding.scenario or "", ()) if conduct(finding).departure else ()
    known = rule(finding.code)
    return msgspec.structs.replace(
        finding,
        title=f"{known.title}: {finding.component}" if finding.component else known.title,
        scenarios=tuple(sorted(finding.scenarios, key=rank)),
        evidence=(*finding.evidence, KeptIn(kept)) if kept else finding.evidence,
        replay=_replay(view.project, finding, view.observations),
    )


def _told_apart(findings: Sequence[Finding]) -> Iterator[Finding]:
    """The findings, those that would have the same id with what tells them apart."""
    by_id: dict[str, list[Finding]] = {}
    for finding in findings:
        by_id.setdefault(finding.id, []).append(finding)
    for finding in findings:
        same = by_id[finding.id]
        if len(same) == 1:
            yield finding
            continue
        gots = [other.got for other in same]
        distinct = (
            finding.got
            if gots.count(finding.got) == 1
            else f"{finding.got}, {finding.where}, {', '.join(finding.environments)}"
        )
        yield msgspec.structs.replace(finding, distinct=distinct)


def _replay(project: Project, finding: Finding, observations: Sequence[Observation]) -> str:
    """A boot that departs from the usual one is only made for a scenario that asks for it, or where orders are."""
    shown = [observation for observation in observations if observation.case.id in finding.cases]
    names = dict.fromkeys(observation.case.environment for observation in shown)
    usual = any(observation.case.boot.steady for observation in shown)
    special = [script.scenario for observation in shown if not usual for script in observation.transcripts]
    scenario = finding.scenario or next(iter(special), None)
    groups = {each_scenario.name: each_scenario.group for each_scenario in project.backend.scenarios}
    if scenario is not None and groups.get(scenario) in EXPLORED:
        return ""  # it stands in the saved run alone, or in what was kept
    command = ["envparity", "run", "--environment", ",".join(names)]
    command += ["--only", scenario] if scenario else []
    command += project.asked
    for name in names:
        command += _attaching(project, name)
    ordered = shown and all(observation.case.boot.order or observation.case.boot.timeline for observation in shown)
    return shlex.join([*command, "--orders", _STRENGTH] if ordered else command)


def _attaching(project: Project, name: str) -> list[str]:
    """What attaches that environment again, where it was attached; the URL only where its file has another."""
    attached, environment = project.attached.get(name), project.environments.get(name)
    if attached is None:
        return []
    own = environment.deployed if environment is not None else None
    target = parse_target(attached.url)
    if own is not None and parse_target(own.url) == target:
        return ["--attach", name]
    return ["--attach", f"{name}={target}", "--confirm-target", target.host]
