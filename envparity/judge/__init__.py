"""From observations to findings. Pure: no I/O, no clock; the same observations always give the same judgement."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from envparity.deployed.target import parse_target
from envparity.judge import conversation, deployed, infrastructure, lifecycle, orders, parity, startup, transcripts
from envparity.judge.compare import in_order
from envparity.judge.confirm import WARM_ONLY
from envparity.judge.declarations import ledger
from envparity.judge.finding import (
    ContractRule,
    Difference,
    Exemption,
    Finding,
    Judgement,
    ParityRule,
    Rule,
    Subject,
    Verdict,
)
from envparity.judge.folding import Rank, fold, merge, say_who_kept
from envparity.judge.normalise import normalise
from envparity.judge.order_folding import settle, without_expected
from envparity.observe.record import Observation

__all__ = [
    "RULES",
    "ContractRule",
    "Difference",
    "Exemption",
    "Finding",
    "Judgement",
    "ParityRule",
    "Rule",
    "Subject",
    "Verdict",
    "findings_for",
    "judge",
    "normalise",
    "rule",
]

RULES: tuple[Rule, ...] = (
    *startup.RULES,
    *parity.RULES,
    *orders.RULES,
    *conversation.RULES,
    *transcripts.RULES,
    *lifecycle.RULES,
    *infrastructure.RULES,
    WARM_ONLY,
    *deployed.RULES,
)

_STRENGTH = "3"
"""The strength of the covering set with which a gate boots orders; a replay boots the same."""

_NOT_SEEN = frozenset({"EP901", "EP903"})
"""The rules about what shows nothing else."""

_BY_CODE: Mapping[str, Rule] = {one.code: one for one in RULES}


def rule(code: str) -> Rule:
    """The rule of that code. Raises `KeyError` with the codes that there are."""
    if code not in _BY_CODE:
        raise KeyError(f"{code} is no rule; there are {', '.join(_BY_CODE)}")
    return _BY_CODE[code]


def judge(subject: Subject, observations: Sequence[Observation]) -> Judgement:
    """Hold every observation against every rule; one root gives one finding, merged over environments.

    The order of the observations does not matter: the baseline is the first of the subject's environments.
    """
    ordered = in_order(subject, observations)
    ranks = {one.name: place for place, one in enumerate(subject.backend.scenarios)}

    def rank(scenario: str) -> tuple[int, str]:
        return ranks.get(scenario, len(ranks)), scenario

    compared = list(_parity_findings(subject, ordered))
    alone = without_expected(ordered, _contract_findings(subject, ordered), compared)
    found = settle(ordered, fold(subject.backend, ordered, alone), compared)
    findings = [_finished(subject, say_who_kept(one, ordered), ordered, rank) for one in merge(found, rank)]
    return Judgement(
        findings=tuple(sorted(findings, key=lambda one: (one.code, rank(one.scenario or ""), one.where, one.got))),
        exemptions=ledger(subject, ordered).used,
        rules=len(RULES),
    )


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
        one
        for one in judgement.findings
        if (scenario is None or scenario in one.scenarios)
        and (environment is None or environment in one.environments)
        and (codes is None or one.code.startswith(tuple(codes)))
    )


def _contract_findings(subject: Subject, ordered: Sequence[Observation]) -> Iterator[Finding]:
    """What was never stood up shows nothing that could be judged, but that it was not."""
    for observation in ordered:
        for one in RULES:
            if isinstance(one, ContractRule) and (observation.launch_failure is None or one.code in _NOT_SEEN):
                yield from one.check(subject, observation)


def _parity_findings(subject: Subject, ordered: Sequence[Observation]) -> Iterator[Finding]:
    for one in RULES:
        if isinstance(one, ParityRule):
            yield from one.check(subject, ordered)


def _finished(subject: Subject, finding: Finding, observations: Sequence[Observation], rank: Rank) -> Finding:
    """With the rule's title and action, and the command that shows it again."""
    known = _BY_CODE[finding.code]
    title = f"{known.title}: {finding.component}" if finding.component else known.title
    return msgspec.structs.replace(
        finding,
        title=title,
        scenarios=tuple(sorted(finding.scenarios, key=rank)),
        action=finding.action or known.action,
        replay=_replay(subject, finding, observations),
    )


def _replay(subject: Subject, finding: Finding, observations: Sequence[Observation]) -> str:
    """A boot that departs from the usual one is only made for a scenario that asks for it, or where orders are."""
    shown = [one for one in observations if one.case.id in finding.cases]
    names = dict.fromkeys(one.case.environment for one in shown)
    usual = any(one.case.boot.steady for one in shown)
    special = [script.scenario for one in shown if not usual for script in one.transcripts]
    scenario = finding.scenario or next(iter(special), None)
    command = ["envparity", "run", "--environment", ",".join(names)]
    command += ["--only", scenario] if scenario else []
    for name in names:
        command += _attaching(subject, name)
    ordered = shown and all(one.case.boot.order or one.case.boot.timeline for one in shown)
    return shlex.join([*command, "--orders", _STRENGTH] if ordered else command)


def _attaching(subject: Subject, name: str) -> list[str]:
    """What attaches that environment again, where it was attached; the URL only where its file has another."""
    attached, environment = subject.attached.get(name), subject.environments.get(name)
    if attached is None:
        return []
    own = environment.deployed if environment is not None else None
    target = parse_target(attached.url)
    if own is not None and parse_target(own.url) == target:
        return ["--attach", name]
    return ["--attach", f"{name}={target}", "--confirm-target", target.host]
