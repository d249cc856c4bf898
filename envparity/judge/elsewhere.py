"""What further environments show of a failure that the first one does not: who answered, what was logged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from envparity.judge.circumstances import speaks_of_trouble
from envparity.judge.evidence import (
    Evidence,
    HeadersLost,
    Logged,
    LogQuote,
    ReplicasReached,
    SeenIn,
    SilentWait,
    Traceback,
    WhoAnswered,
)
from envparity.judge.finding import Finding
from envparity.judge.volatile import words_alone

__all__ = ["beyond"]

_Quoted = LogQuote | Logged | Traceback
_MOMENTS = WhoAnswered | HeadersLost | ReplicasReached | SilentWait  # besides what was logged


def beyond(finding: Finding, other: Finding) -> Iterator[SeenIn]:
    """What the other, of environments that the finding was not yet seen in, shows of the same failure besides.

    Two texts are the same that differ in numbers, moments and ids alone. What was sent and received is not told again:
    both came to the same.
    """
    environments = tuple(name for name in other.environments if name not in finding.environments)
    if not environments:
        return
    told = _told(finding.evidence)
    more = (_more(piece, told) for piece in other.evidence)
    evidence = tuple(piece for piece in more if piece is not None)
    if evidence:
        yield SeenIn(environments, evidence)
    yield from (piece for piece in other.evidence if isinstance(piece, SeenIn))


def _told(evidence: Iterable[Evidence]) -> set[str]:
    """Each line and each moment of the evidence, in words alone."""
    pieces = [inner for quoted in evidence for inner in (quoted.evidence if isinstance(quoted, SeenIn) else (quoted,))]
    lines = chain.from_iterable(piece.lines for piece in pieces if isinstance(piece, _Quoted))
    return {*map(words_alone, lines), *(_words(piece) for piece in pieces if isinstance(piece, _MOMENTS))}


def _more(piece: Evidence, told: set[str]) -> Evidence | None:
    """What of that piece is not yet told; None where that is nothing, or nothing of those moments."""
    if isinstance(piece, _Quoted):
        lines = tuple(text for text in piece.lines if words_alone(text) not in told)
        if isinstance(piece, Logged):  # what went well there is not asked about
            lines = tuple(filter(speaks_of_trouble, lines))
        return msgspec.structs.replace(piece, lines=lines) if lines else None
    return piece if isinstance(piece, _MOMENTS) and _words(piece) not in told else None


def _words(piece: Evidence) -> str:
    return words_alone(msgspec.json.encode(piece).decode())
