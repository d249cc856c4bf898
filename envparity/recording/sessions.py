"""Sessions of long polling as connections: what was polled and posted as the messages that went over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import parse_qsl, urlencode

from envparity.frames.codec import CODECS
from envparity.frames.polling import Polled, Polls
from envparity.recording.events import (
    Event,
    HttpExchange,
    MessageReceived,
    MessageSent,
    Recording,
    WebSocketClosed,
    WebSocketOpened,
)
from envparity.recording.speech import Speech

__all__ = ["as_sessions"]

_OF_POLLING = frozenset({"sid", "t", "transport"})
_NO_CODE = 1005
_ROUNDED_S = 0.002
"""What a browser's file may have cut off the beginning of a request: what had come by then came before the goodbye."""


def as_sessions(recording: Recording, speech: Speech) -> Recording:
    """The recording, in which a session that was held by long polling alone is a connection with that transport.

    Where there is a WebSocket, or the codec holds no such sessions, it stays as it is.
    """
    if recording.connections or not isinstance(speech.codec, Polls):
        return recording
    sessions: dict[str, _Session] = {}
    events: list[Event] = []
    for event in recording.events:
        frames = speech.answer(event) if isinstance(event, HttpExchange) else None
        posted = speech.posted(event) if isinstance(event, HttpExchange) else None
        session = speech.session(event) if isinstance(event, HttpExchange) else ""
        if not isinstance(event, HttpExchange) or (frames is None and posted is None and session not in sessions):
            events.append(event)
        elif not session and frames:
            opened = frames[0]
            given = str(opened.get("sid", "")) if isinstance(opened, dict) else ""
            with CODECS.guarding(speech.codec):
                sessions[given] = _Session(f"{len(sessions) + 1}", speech.codec.polled(event.target))
            events += sessions[given].opened(event)
        elif session in sessions:
            with CODECS.guarding(speech.codec):
                events += sessions[session].went_on(event)
    if not sessions:
        return recording
    return Recording(events, list(recording.notes))


class _Session:
    """One session, from its first request to its end."""

    def __init__(self, number: str, polled: Polled) -> None:
        self._name = "a" if number == "1" else f"a{number}"
        self._polled = polled
        self._over = False

    def opened(self, event: HttpExchange) -> Iterator[Event]:
        """The request that opened it."""
        path, _, query = event.target.partition("?")
        pairs = urlencode([pair for pair in parse_qsl(query) if pair[0] not in _OF_POLLING])
        target = f"{path}?{pairs}" if pairs else path
        yield WebSocketOpened(
            event.at_s, self._name, target=target, headers=event.headers, took_s=event.took_s, transport="polling"
        )
        yield from self._heard(event)

    def went_on(self, event: HttpExchange) -> Iterator[Event]:
        """A later request of it; nothing once it is over."""
        if self._over:
            return
        if event.method == "GET":
            yield from self._heard(event)
            return
        for message in self._read(event.body):
            if message == self._polled.farewell:
                self._over = True
                yield WebSocketClosed(event.at_s + min(event.took_s, _ROUNDED_S), self._name)
                return
            yield _message(MessageSent, event.at_s, self._name, message)

    def _read(self, text: str | None) -> tuple[str | bytes, ...]:
        """The messages in that; none where it is something else, as what refuses a request."""
        with suppress(ValueError):
            return self._polled.read(text) if text else ()
        return ()

    def _heard(self, event: HttpExchange) -> Iterator[Event]:
        at_s = event.at_s + event.took_s
        for message in self._read(event.answer):
            if self._polled.ends(message):
                self._over = True
                yield WebSocketClosed(at_s, self._name, by="server", code=_NO_CODE)
                return
            yield _message(MessageReceived, at_s, self._name, message)


def _message(
    kind: type[MessageSent | MessageReceived], at_s: float, name: str, message: str | bytes
) -> MessageSent | MessageReceived:
    return kind(at_s, name, text=message) if isinstance(message, str) else kind(at_s, name, base64=message)
