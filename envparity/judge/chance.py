"""EP404: what differs between two plays of one environment, and so says nothing of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from envparity.judge.compare import Compared
from envparity.judge.compare_conversations import control_differences
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["ANOTHER_SEQUENCE", "RULES", "another_value"]

ANOTHER_SEQUENCE = "If the sequence means nothing, expect each frame on its own; else make it the same."
"""What to do about frames that come as they like."""

_SHOWN = 8  # paths of one field that are quoted


def another_value(path: str) -> str:
    """What to do about the field at that path, which differs by chance."""
    field = path.rpartition(".")[2]
    return f'If its value means nothing, add "{field}" to `volatile` of the backend file; else make it the same.'


def _differs_by_chance(view: RunView, observation: Observation) -> Iterator[Breach]:
    """One breach for each field, wherever it was seen; and one for each scenario whose frames come as they like."""
    fields: dict[str, list[Compared]] = {}
    for compared in control_differences(view.project, observation):
        if compared.parts:
            yield _another_sequence(compared)
        elif compared.kind == "frame":
            fields.setdefault(compared.difference.path.rpartition(".")[2], []).append(compared)
        elif compared.kind != "clients":  # how many find a place in time is a count, and need not be the same twice
            yield _another_answer(compared)
    for field, together in fields.items():
        yield _another_value(field, together)


def _another_value(field: str, together: Sequence[Compared]) -> Breach:
    scenarios = tuple(dict.fromkeys(str(compared.scenario) for compared in together))
    return Breach(
        where=field,
        expected="the same in two plays of one environment",
        got="another value in each",
        scenario=scenarios[0],
        scenarios=scenarios,
        nature="another value",
        evidence=tuple(compared.difference for compared in together[:_SHOWN]),
        action=another_value(field),
    )


def _another_sequence(compared: Compared) -> Breach:
    return Breach(
        where=str(compared.scenario),
        expected="the same frames in two plays of one environment",
        got="other frames, or another sequence of them",
        scenario=compared.scenario,
        nature="another sequence",
        evidence=(*compared.evidence, compared.difference),
        action=ANOTHER_SEQUENCE,
    )


def _another_answer(compared: Compared) -> Breach:
    return Breach(
        where=f"{compared.scenario}: {compared.kind}",
        expected="the same in two plays of one environment",
        got="another in each",
        scenario=compared.scenario,
        nature="another answer",
        evidence=(*compared.evidence, compared.difference),
    )


RULES: tuple[Rule, ...] = (
    contract(
        "EP404",
        "differs by chance",
        Conduct("transcript", merges=True),
        means="""
            Every scenario is played twice in the same boot. What differs between the two plays of one environment
            differs by chance: a random field, frames that overtake one another. It is no difference between
            environments, is not compared between them, and has no cause among their settings.
        """,
        matters="A comparison of what is random is red one day and clean the next, and blames whoever stands by.",
        action="Add the field to `volatile` of the backend file, or make it the same in every play.",
        example='welcome.nonce: "a1b2" in the first play, "c3d4" in the second',
        check=_differs_by_chance,
    ),
)
