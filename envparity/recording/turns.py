"""A recording as turns: what the client said, what the backend said, one after the other, in frames."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from envparity.frames.codec import Posted
from envparity.recording.events import (
    Event,
    HttpExchange,
    MessageReceived,
    MessageSent,
    Recording,
    WebSocketClosed,
    WebSocketOpened,
    first_of,
    parts_of,
)
from envparity.recording.speech import Frame, Path, Speech, Talk, as_json, leaves

__all__ = [
    "SaidValue",
    "Turn",
    "cookies_of",
    "form_of",
    "heard_in",
    "is_usual",
    "key_of",
    "query_of",
    "said_in",
    "set_cookies",
    "text_of",
    "turns",
]

_SWITCHING = 101
_USUAL: Final = frozenset(
    (
        *("accept", "accept-encoding", "accept-language", "cache-control", "connection", "content-length", "cookie"),
        *("content-type", "dnt", "host", "if-modified-since", "if-none-match", "keep-alive", "origin", "pragma"),
        *("priority", "proxy-connection", "referer", "te", "transfer-encoding", "upgrade", "user-agent"),
        "upgrade-insecure-requests",
    )
)
"""Headers of a request that say nothing of this conversation, or that have a key of their own in a step."""
_TOKENS: Final = re.compile(r"(?=[\w-]*\d)[\w-]{6,}")
"""What may be an id within a text."""
_PREFIXES: Final = ("sec-", "x-forwarded-", "accept-")


@dataclass(frozen=True)
class Turn:
    """One thing that was said or done: an event, and the frame where it is one. `after_s` is how long the connection
    had been quiet before; `answer` what a request was answered with, where that is JSON or frames of a long polling.

    Of a long polling, `posted` is what the client said and `session` what it is of; turns of the same `run` bring what
    came while the client said nothing, -1 is of none.
    """

    event: Event
    frame: Frame | None = None
    after_s: float = 0.0
    answer: object = None
    polled: bool = False
    posted: Posted | None = None
    session: str = ""
    run: int = -1

    @property
    def connection(self) -> str:
        """The connection that it is of; "" for a request over HTTP."""
        return "" if isinstance(self.event, HttpExchange) else self.event.connection

    @property
    def brings_frames(self) -> bool:
        """Whether frames came over HTTP with it."""
        return self.polled and bool(self.answer)


@dataclass(frozen=True)
class SaidValue:
    """A value that somebody said: under which name, where in the turn, and what it is."""

    key: str
    place: Path
    value: Any


def turns(recording: Recording, speech: Speech) -> list[Turn]:
    """The turns in order. What a connection brought after its client had closed it is left out, and so is what is of a
    connection that was never opened.
    """
    talks: dict[str, Talk] = {}
    quiet_since: dict[str, float] = {}
    found: list[Turn] = []
    ended: set[str] = set()
    polled = {id(event): speech.answer(event) for event in recording.events if isinstance(event, HttpExchange)}
    for event in sorted(recording.events, key=lambda each_event: _counts_from_s(each_event, polled)):
        if isinstance(event, HttpExchange):
            polled_frames = polled[id(event)]
            answer = as_json(event.answer) if polled_frames is None else polled_frames
            posted, session = speech.posted(event), speech.session(event)
            if session in ended:
                continue
            if posted is not None and posted.ends:
                ended.add(session)
            found.append(Turn(event, answer=answer, polled=polled_frames is not None, posted=posted, session=session))
            continue
        name = event.connection
        if isinstance(event, WebSocketOpened):
            if event.status == _SWITCHING:
                talks[name] = Talk(speech.codec)
            found.append(Turn(event))
        elif name in talks:
            talk = talks[name]
            after_s = event.at_s - quiet_since.get(name, event.at_s)
            if isinstance(event, WebSocketClosed):
                found.append(Turn(event, after_s=after_s))
                del talks[name]
            else:
                message = event.message
                frames = talk.sent(message) if isinstance(event, MessageSent) else talk.received(message)
                found += [Turn(event, frame, after_s) for frame in frames]
        quiet_since[name] = event.at_s
    return found


def _counts_from_s(event: Event, polled: Mapping[int, object]) -> float:
    """When it was said: what waited for frames, when they came."""
    waited = isinstance(event, HttpExchange) and polled[id(event)] is not None
    return event.at_s + event.took_s if isinstance(event, HttpExchange) and waited else event.at_s


def said_in(turn: Turn) -> Iterator[SaidValue]:
    """What the client said in that turn: in a path, a query, headers, a body, a frame."""
    event = turn.event
    if isinstance(event, MessageSent):
        for path, value in leaves(turn.frame):
            yield SaidValue(key_of(path), ("frame", *path), value)
    elif isinstance(event, WebSocketOpened | HttpExchange):
        for place, part in enumerate(parts_of(event.target)):
            yield SaidValue("", ("path", place), part)
        for name, value in query_of(event.target):
            yield SaidValue(name, ("query", name), value)
        for name, value in event.headers:
            if not is_usual(name):
                yield SaidValue(name, ("headers", name), value)
        if isinstance(event, HttpExchange):
            yield from _said_in_body(turn, event)


def _said_in_body(turn: Turn, event: HttpExchange) -> Iterator[SaidValue]:
    """Frames of a long polling, JSON, or a form."""
    if turn.posted is not None:
        for path, value in leaves(list(turn.posted.frames)):
            yield SaidValue(key_of(path), ("frame", *path), value)
        return
    for path, value in leaves(as_json(event.body)):
        yield SaidValue(key_of(path), ("json", *path), value)
    for name, value in form_of(event):
        yield SaidValue(name, ("form", name), value)


def heard_in(turn: Turn) -> Iterator[SaidValue]:
    """What the backend said in that turn, each at a place that a step can capture it from: `header:Location`."""
    event = turn.event
    if isinstance(event, MessageReceived):
        for path, value in leaves(turn.frame):
            if path:
                yield SaidValue(key_of(path), path, value)
        for token in _TOKENS.findall(text_of(turn.frame) or ""):
            yield SaidValue("", ("text",), token)
    elif isinstance(event, HttpExchange):
        for path, value in leaves(turn.answer):
            if path:
                yield SaidValue(key_of(path), path, value)
        location = first_of(event.answer_headers, "location")
        if location:
            yield SaidValue("Location", ("header:Location",), location)
        for name, value in set_cookies(event):
            yield SaidValue(name, (f"cookie:{name}",), value)


def text_of(frame: Frame | None) -> str | None:
    """The text of a message that is no more than that; None for any other."""
    if isinstance(frame, dict):
        return str(frame["text"]) if set(frame) == {"text"} else None
    return frame if isinstance(frame, str) else None


def key_of(path: Path) -> str:
    """The last name on the way to a value."""
    return next((part for part in reversed(path) if isinstance(part, str)), "")


def query_of(target: str) -> list[tuple[str, str]]:
    """The query's names and values, decoded."""
    return parse_qsl(target.partition("?")[2], keep_blank_values=True)


def cookies_of(event: WebSocketOpened | HttpExchange) -> dict[str, str]:
    """The cookies that went out with it."""
    pairs = (part.strip().partition("=") for part in first_of(event.headers, "cookie").split(";"))
    return {name: value for name, found, value in pairs if found and name}


def set_cookies(event: HttpExchange) -> list[tuple[str, str]]:
    """The cookies that the answer sets, by name."""
    lines = [value for name, value in event.answer_headers if name.lower() == "set-cookie"]
    pairs = (line.partition(";")[0].strip().partition("=") for line in lines)
    return [(name, value) for name, found, value in pairs if found and name]


def form_of(event: HttpExchange) -> list[tuple[str, str]]:
    """The fields of a form that was sent; nothing where it was none."""
    kind = first_of(event.headers, "content-type").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return []
    return parse_qsl(event.body or "", keep_blank_values=True)


def is_usual(header: str) -> bool:
    """Whether a header of that name says nothing of this conversation."""
    name = header.lower()
    return name in _USUAL or name.startswith(_PREFIXES)
