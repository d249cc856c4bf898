"""From observations to findings. Pure: no I/O, no clock; the same observations always give the same judgement."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from envparity.judge import attribution
from envparity.judge.attribution import attribute
from envparity.judge.finding import Finding, Judgement, ObservedDifference, UsedDeclaration, Verdict
from envparity.judge.normalise import normalise
from envparity.judge.registry import RULES, codes_of, conduct, every_rule, rule
from envparity.judge.rules import ContractRule, ParityRule, Rule
from envparity.judge.view import RunView
from envparity.model.project import Project
from envparity.observe.record import Observation

__all__ = [
    "RULES",
    "ContractRule",
    "Finding",
    "Judgement",
    "ObservedDifference",
    "ParityRule",
    "Project",
    "Rule",
    "UsedDeclaration",
    "Verdict",
    "codes_of",
    "conduct",
    "every_rule",
    "findings_for",
    "judge",
    "normalise",
    "rule",
    "singles",
]


def judge(project: Project, observations: Sequence[Observation]) -> Judgement:
    """Hold every observation against every rule; one root gives one finding, merged over environments.

    The order of the observations does not matter: the baseline is the first of the project's environments.
    """
    view = RunView(project, observations)
    ranks = {each_scenario.name: place for place, each_scenario in enumerate(project.backend.scenarios)}

    def rank(scenario: str) -> tuple[int, str]:
        return ranks.get(scenario, len(ranks)), scenario

    return Judgement(findings=tuple(attribute(view, rank)), exemptions=view.ledger.used, rules=len(every_rule()))


def singles(project: Project, observations: Sequence[Observation]) -> tuple[Finding, ...]:
    """What the findings of `judge` are merged from: one for each root, each boot that shows it, and each scenario."""
    return tuple(attribution.singles(RunView(project, observations)))


def findings_for(
    judgement: Judgement,
    *,
    scenario: str | None = None,
    codes: Collection[str] | None = None,
    environment: str | None = None,
) -> tuple[Finding, ...]:
    """The findings that show in that scenario and in that environment, and have one of those codes.

    None asks for any. A code may be a family's beginning (`EP3`). A startup failure counts for every scenario that it
    took down with it.
    """
    return tuple(
        finding
        for finding in judgement.findings
        if (scenario is None or scenario in finding.scenarios)
        and (environment is None or environment in finding.environments)
        and (codes is None or finding.code.startswith(tuple(codes)))
    )
