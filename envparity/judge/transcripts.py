"""EP401–403, EP406: conversations that kept to their script everywhere and were yet not the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from envparity.judge.compare import PARTS, Compared, Kind
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, parity
from envparity.judge.view import RunView

__all__ = ["RULES"]

_SHOWN = 8  # fields of one frame that are quoted


def _differs(kind: Kind) -> Callable[[RunView], Iterator[Breach]]:
    """The check of one rule: undeclared differences of that kind, one breach for each group that has one cause."""

    def check(view: RunView) -> Iterator[Breach]:
        found = [
            difference
            for difference in view.transcript_differences
            if difference.kind == kind and not difference.declared
        ]
        for _, together in groupby(found, key=lambda value: (value.scenario, value.cases, value.where, value.parts)):
            yield _breach(list(together))

    return check


def _breach(together: Sequence[Compared]) -> Breach:
    first = together[0]
    difference = first.difference
    name = "" if first.parts else difference.path.removeprefix(f"conversation.{first.scenario}.")
    more = f", and {len(together) - 1} more" if len(together) > 1 else ""
    paths = [each.difference for each in together[:_SHOWN]]
    return Breach(
        where=first.where,
        expected=f"as in {difference.baseline}: {name} {difference.expected}".replace(":  ", ": "),
        got=f"{name} {difference.got}{more}".strip(),
        environments=(difference.other,),
        cases=first.cases,
        scenario=first.scenario,
        nature=PARTS if first.parts else "differs",
        paths=tuple(each.difference.path for each in together),
        evidence=(*first.evidence, *paths),
    )


_ACTION = "Make the two the same; or declare the path under [[differences]] of one environment, with a reason."

RULES: tuple[Rule, ...] = (
    parity(
        "EP401",
        "transcript differs",
        Conduct("transcript", causes="hybrids", parts="conversation", of_fields=True),
        means="""
            The same scenario kept to its script in two environments, and yet the frames differ: in a field that the
            script does not look at, or in which frame came. Ids and generated values do not count. Of a moment
            with `Z` or an offset it counts how far it is from when it arrived: what is more than ten minutes apart in
            every play, and is not the same text all the time, differs.
        """,
        matters="What differs here is what a client comes to rely on locally and misses in production.",
        action=_ACTION,
        example="connection_established.limits.messages_per_minute: local 300, staging 100",
        check=_differs("frame"),
    ),
    parity(
        "EP402",
        "handshake differs",
        Conduct("transcript", causes="hybrids", parts="conversation", merges=True),
        means="""
            The same scenario's upgrade was answered differently in two environments, in status, subprotocol or
            extensions.
        """,
        matters="An ingress that eats a header shows here first.",
        action=_ACTION,
        example='handshake.subprotocol: local "netra.v1", production null',
        check=_differs("handshake"),
    ),
    parity(
        "EP403",
        "close differs",
        Conduct("transcript", causes="hybrids", parts="conversation", merges=True),
        means="The same scenario's connections were closed differently: in code, reason or by whom, or in one only.",
        matters="Clients act on the code and log the reason; both must mean the same everywhere.",
        action=_ACTION,
        example='close.reason: local "rate_limited", staging ""',
        check=_differs("close"),
    ),
    parity(
        "EP406",
        "more clients are served elsewhere",
        Conduct("transcript", causes="hybrids", parts="conversation"),
        means="""
            Of the clients that played a scenario at the same time enough were served in two environments, and yet more
            in the one than in the other, in every play.
        """,
        matters="A limit of one environment shows only in it: what was measured in the other says nothing of it.",
        action=_ACTION,
        example="clients.served: local 50 of 50, staging 40 of 50; 10 met close 1013",
        check=_differs("clients"),
    ),
)
