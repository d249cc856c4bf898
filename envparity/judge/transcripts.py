"""EP401–403: conversations that kept to their script everywhere and were yet not the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from envparity.judge.compare import Compared, Kind, transcript_differences
from envparity.judge.finding import Finding, Rule
from envparity.judge.rules import parity
from envparity.observe.record import Observation
from envparity.subject import Subject

__all__ = ["RULES"]

_SHOWN = 8  # fields of one frame that are quoted


def _differs(code: str, kind: Kind) -> Callable[[Subject, Sequence[Observation]], Iterator[Finding]]:
    """The check of one code: undeclared differences of that kind, one finding for each group that has one cause."""

    def check(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
        found = [one for one in transcript_differences(subject, observations) if one.kind == kind and not one.declared]
        for _, together in groupby(found, key=lambda one: (one.scenario, one.cases, one.where, one.parts)):
            yield _finding(code, list(together))

    return check


def _finding(code: str, together: Sequence[Compared]) -> Finding:
    first = together[0]
    difference = first.difference
    name = "" if first.parts else difference.path.removeprefix(f"conversation.{first.scenario}.")
    more = f", and {len(together) - 1} more" if len(together) > 1 else ""
    paths = [
        f"{one.path}: {one.baseline} {one.expected}, {one.other} {one.got}"
        for one in (each.difference for each in together[:_SHOWN])
    ]
    return Finding(
        code=code,
        title="",
        where=first.where,
        expected=f"as in {difference.baseline}: {name} {difference.expected}".replace(":  ", ": "),
        got=f"{name} {difference.got}{more}".strip(),
        environments=(difference.other,),
        cases=first.cases,
        scenario=first.scenario,
        scenarios=(str(first.scenario),),
        evidence=(*first.evidence, *paths),
    )


_ACTION = "Make the two the same; or declare the path under [[differences]] of one environment, with a reason."

RULES: tuple[Rule, ...] = (
    parity(
        "EP401",
        "transcript differs",
        means="""
            The same scenario kept to its script in two environments, and yet the frames differ: in a field that the
            script does not look at, or in which frame came. Ids, moments and generated values do not count.
        """,
        matters="What differs here is what a client comes to rely on locally and misses in production.",
        action=_ACTION,
        example="connection_established.limits.messages_per_minute: local 300, staging 100",
        check=_differs("EP401", "frame"),
    ),
    parity(
        "EP402",
        "handshake differs",
        means="The same scenario's upgrade was answered differently in two environments, in status or subprotocol.",
        matters="An ingress that eats a header shows here first.",
        action=_ACTION,
        example='handshake.subprotocol: local "netra.v1", production null',
        check=_differs("EP402", "handshake"),
    ),
    parity(
        "EP403",
        "close differs",
        means="The same scenario's connections were closed differently: in code, reason or by whom, or in one only.",
        matters="Clients act on the code and log the reason; both must mean the same everywhere.",
        action=_ACTION,
        example='close.reason: local "rate_limited", staging ""',
        check=_differs("EP403", "close"),
    ),
)
