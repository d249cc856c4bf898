"""What the backend's file names and nothing in a whole run matched: a word that has gone out of date, or a slip."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.name_notes import declared_in_vain
from envparity.model.backend import Backend
from envparity.observe.frame import plain
from envparity.observe.record import Observation
from envparity.observe.transcript import FrameReceived, FrameSent, HttpAnswered
from envparity.support.patterns import Pattern

__all__ = ["unmatched"]


def unmatched(backend: Backend, observations: Sequence[Observation]) -> tuple[str, ...]:
    """The key and value of each such name or pattern, with what it was looked for in; a sentence each.

    A field that is called volatile is looked for in every frame and startup report. A word for the log is held against
    the logs of the starts that it speaks of; where there was no such start it cannot be told.
    """
    return (*_volatile(backend, observations), *_words(backend, observations), *declared_in_vain(backend, observations))


def _volatile(backend: Backend, observations: Sequence[Observation]) -> Iterator[str]:
    if not any(seen.transcripts for seen in observations):
        return
    names = set(_names(_documents(observations)))
    for name in backend.volatile:
        if name not in names:
            yield f"volatile names {name!r}, and no frame and no startup report had a field of that name"


def _words(backend: Backend, observations: Sequence[Observation]) -> Iterator[str]:
    """Warm boots are left out: of their logs only the end is kept."""
    replicas = [
        replica
        for seen in observations
        if not seen.warm
        for replica in seen.replicas
        if replica.log and replica.startup
    ]
    for key, pattern, status in (
        ("log_passed", backend.report.log_passed, "pass"),
        ("log_failed", backend.report.log_failed, "fail"),
    ):
        logs = [replica.log for replica in replicas if replica.startup is not None and replica.startup.status == status]
        if pattern is None or not logs:
            continue
        word = Pattern(pattern)
        if not any(word.search(line) for log in logs for line in log) and not word.spent:
            done = "passed" if status == "pass" else "failed"
            yield f"report.{key} is {pattern!r}, and no log of a start that {done} has such a line"


def _documents(observations: Iterable[Observation]) -> Iterator[object]:
    for seen in observations:
        yield from (replica.startup.document for replica in seen.replicas if replica.startup is not None)
        for transcript in seen.transcripts:
            for event in transcript.events:
                if isinstance(event, FrameReceived | FrameSent):
                    yield plain(event.frame)
                elif isinstance(event, HttpAnswered) and event.body is not None:
                    yield plain(event.body)


def _names(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict):
            yield from value
            yield from _names(value.values())
        elif isinstance(value, list | tuple):
            yield from _names(value)
