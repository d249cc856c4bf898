"""What stood around a failure in a conversation, as evidence: who answered, what arrived, what was logged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envparity.judge.evidence import HeadersLost, Logged, ReplicasReached, SilentWait, WhoAnswered
from envparity.judge.traceback import without_frames
from envparity.observe.transcript import (
    ConnectionClosed,
    DeadlinePassed,
    HandshakeAnswered,
    LoggedLines,
    Transcript,
)

__all__ = ["connections_of", "logged", "lost_headers", "refusal", "speaks_of_trouble", "waits"]

_SHOWN_LINES = 20
_BESIDE_TROUBLE = 6
_TROUBLE = re.compile(
    r"warn|err(?:or)?\b|exception|traceback|fatal|critical|fail|refus|reject|den(?:y|ied)|invalid|forbid|not allowed"
    r"|unauthor|missing|unsupported|timed? ?out|\b[45]\d\d\b",
    re.IGNORECASE,
)


def refusal(transcript: Transcript, connection: str) -> Iterator[WhoAnswered]:
    """Who answered that connection's last handshake and how, what the client had sent, and what of it arrived."""
    answer = _handshake(transcript, connection)
    if answer is not None:
        yield WhoAnswered(answer)


def lost_headers(transcript: Transcript) -> Iterator[HeadersLost]:
    """The headers that were sent and did not arrive at the replica, of each connection that lost some."""
    for event in transcript.events:
        if isinstance(event, HandshakeAnswered) and event.lost:
            yield HeadersLost(event)


def connections_of(transcript: Transcript) -> Iterator[ReplicasReached]:
    """On which replica each connection was, where there were several connections."""
    answers = (event for event in transcript.events if isinstance(event, HandshakeAnswered))
    last = {answer.connection: answer for answer in answers if answer.accepted}
    placed = tuple((name, value.replica) for name, value in last.items() if value.replica is not None)
    if len(last) > 1 and len(placed) == len(last):
        yield ReplicasReached(placed)


def waits(transcript: Transcript) -> Iterator[SilentWait]:
    """How long a silence was waited for, and who ended it."""
    for index, event in enumerate(transcript.events):
        if isinstance(event, DeadlinePassed):
            later = (each_event for each_event in transcript.events[index:] if isinstance(each_event, ConnectionClosed))
            close = next((closed for closed in later if closed.connection == event.connection), None)
            yield SilentWait(event, close if close is not None and close.by == "server" else None)


def logged(sources: Iterable[LoggedLines]) -> Iterator[Logged]:
    """The lines that were logged in those moments; of very many, and of servers, those that speak of trouble."""
    for source in sources:
        lines = [line for line in without_frames(source.lines) if line.strip()]
        trouble = [line for line in lines if speaks_of_trouble(line)]
        shown = _chosen(lines) if source.is_replica else trouble[-_SHOWN_LINES:]
        more = len(lines) + source.left_out - len(shown) if source.is_replica else 0
        if shown or more:
            yield Logged(source.source, tuple(shown), more)


def speaks_of_trouble(line: str) -> bool:
    """Whether a line of a log looks like one that says what went wrong."""
    return _TROUBLE.search(line) is not None


def _chosen(lines: list[str]) -> list[str]:
    """The last lines that speak of trouble and what stands next to them; where none does, the last of all."""
    trouble = [index for index, line in enumerate(lines) if speaks_of_trouble(line)][-_SHOWN_LINES:]
    if not trouble:
        return lines[-_SHOWN_LINES:]
    others = (index for index in range(len(lines)) if index not in set(trouble))
    near = sorted(others, key=lambda index: (min(abs(index - number) for number in trouble), index))
    kept = sorted([*trouble, *near[:_BESIDE_TROUBLE]][:_SHOWN_LINES])
    return [lines[index] for index in kept]


def _handshake(transcript: Transcript, connection: str) -> HandshakeAnswered | None:
    answers = [
        event for event in transcript.events if isinstance(event, HandshakeAnswered) and event.connection == connection
    ]
    return answers[-1] if answers else None
