"""How a rule is written down, so that `envparity explain CODE` has something to say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from textwrap import dedent, wrap

from envparity.judge.finding import ContractRule, Finding, ParityRule
from envparity.observe.record import Observation
from envparity.subject import Subject

__all__ = ["contract", "finding", "parity"]

_WIDTH = 88


def contract(
    code: str,
    title: str,
    *,
    means: str,
    matters: str,
    action: str,
    example: str,
    check: Callable[[Subject, Observation], Iterable[Finding]],
) -> ContractRule:
    """A rule over one observation. The texts answer: what it means, why it matters, what to do, what it looks like."""
    return ContractRule(code, title, _described(means, matters, action, example), action, check)


def parity(
    code: str,
    title: str,
    *,
    means: str,
    matters: str,
    action: str,
    example: str,
    check: Callable[[Subject, Sequence[Observation]], Iterable[Finding]],
) -> ParityRule:
    """A rule over several observations, with the same texts."""
    return ParityRule(code, title, _described(means, matters, action, example), action, check)


def finding(
    observation: Observation,
    code: str,
    where: str,
    expected: str,
    got: str,
    *,
    scenario: str | None = None,
    component: str | None = None,
    evidence: Iterable[str] = (),
    action: str = "",
) -> Finding:
    """A finding of one observation. Title, replay and, where it is empty, the action come from the rule, in `judge`."""
    return Finding(
        code=code,
        title="",
        where=where,
        expected=expected,
        got=got,
        environments=(observation.case.environment,),
        cases=(observation.case.id,),
        scenario=scenario,
        scenarios=(scenario,) if scenario is not None else (),
        component=component,
        evidence=tuple(evidence),
        action=action,
    )


def _described(means: str, matters: str, action: str, example: str) -> str:
    parts = (
        ("What it means", [means]),
        ("Why it matters", [matters]),
        ("What to do", [action]),
        ("Example", dedent(example).strip().splitlines()),
    )
    return "\n\n".join(
        "\n".join([heading, *(row for text in texts for row in wrap(" ".join(text.split()), _WIDTH))])
        for heading, texts in parts
    )
