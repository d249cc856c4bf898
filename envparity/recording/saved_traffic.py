"""Recordings that somebody has saved: a HAR file of a browser, a transcript of one line of JSON for each event."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from envparity.errors import ConfigurationError, Mistake
from envparity.recording.events import (
    Event,
    Headers,
    HttpExchange,
    MessageReceived,
    MessageSent,
    Recording,
    WebSocketOpened,
)
from envparity.recording.listening_in import LONGEST_BODY, ConnectionNames
from envparity.recording.speech import polled_by
from envparity.support.reading import opened
from envparity.support.toml.document import shown_path

__all__ = ["read_har", "read_transcript"]

_LONGEST: Final = 64 * 1024 * 1024
_MOST_MISTAKES: Final = 20
_SWITCHING = 101


class _Pair(msgspec.Struct):
    name: str
    value: str = ""


class _Text(msgspec.Struct):
    text: str | None = None
    encoding: str | None = None


class _Request(msgspec.Struct):
    method: str
    url: str
    headers: list[_Pair] = []
    postData: _Text | None = None  # noqa: N815  HAR's own name


class _Response(msgspec.Struct):
    status: int = 0
    headers: list[_Pair] = []
    content: _Text = msgspec.field(default_factory=_Text)


class _Message(msgspec.Struct):
    type: str
    time: float
    opcode: int
    data: str = ""


class _Entry(msgspec.Struct, rename={"messages": "_webSocketMessages", "started": "startedDateTime"}):
    started: datetime
    request: _Request
    response: _Response
    time: float = 0.0
    messages: list[_Message] | None = None


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


def read_har(path: Path) -> Recording:
    """What a HAR file tells of the host to which its WebSockets went, with the messages as Chromium writes them
    (`_webSocketMessages`); without any, of the host that most was polled from. Raises `ConfigurationError`.
    """
    text = _content(path, "--har")
    try:
        har = msgspec.json.decode(text, type=_Har)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        expected, action = "a HAR file: log.entries", "save it from the browser's network panel, with content"
        raise _mistaken("--har", path, expected, str(error), action) from error
    sockets = [entry for entry in har.log.entries if entry.messages is not None]
    sockets = sockets or [entry for entry in har.log.entries if _is_poll(entry)]
    if not sockets:
        action = "open the panel before the page, and save with content: only Chromium keeps messages"
        raise _mistaken("--har", path, "a WebSocket with its messages, or a long polling", "none", action)
    host = Counter(_split(entry).netloc for entry in sockets).most_common(1)[0][0]
    entries = [entry for entry in har.log.entries if _split(entry).netloc == host]
    began = min(entry.started.timestamp() for entry in entries)
    recording, names = Recording(), ConnectionNames()
    others = len(har.log.entries) - len(entries)
    if others:
        recording.note(f"{others} requests to other hosts than {host} were left out")
    for entry in sorted(entries, key=lambda each_entry: each_entry.started):
        for event in _events(entry, began, names):
            recording.add(event)
    return recording


def _is_poll(entry: _Entry) -> bool:
    """Whether it is the beginning of a long polling, as a codec has it."""
    url = _split(entry)
    return bool(polled_by(_exchange(entry, 0.0, f"{url.path or '/'}?{url.query}", ())))


def _events(entry: _Entry, began: float, names: ConnectionNames) -> Iterator[Event]:
    at_s = entry.started.timestamp() - began
    url, headers = _split(entry), _headers(entry.request.headers)
    if not any(name.lower() == "host" for name, _ in headers):
        headers = (("Host", url.netloc), *headers)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    if entry.messages is None:
        if entry.response.status:
            yield _exchange(entry, at_s, target, headers)
        return
    name = names.next()
    answered = {header.name.lower(): header.value for header in entry.response.headers}
    selected = answered.get("sec-websocket-protocol", "")
    status = entry.response.status or _SWITCHING
    yield WebSocketOpened(at_s, name, target=target, headers=headers, status=status, subprotocol=selected)
    for message in entry.messages:
        kind = MessageSent if message.type == "send" else MessageReceived
        at_message_s = max(message.time - began, at_s)
        if message.opcode == 1:
            yield kind(at_message_s, name, text=message.data)
        elif message.opcode == 2:
            yield kind(at_message_s, name, base64=_bytes(message.data))


def _exchange(entry: _Entry, at_s: float, target: str, headers: Headers) -> HttpExchange:
    sent, answered = entry.request.postData, entry.response.content
    return HttpExchange(
        at_s,
        request=f"{entry.request.method} {target}",
        headers=headers,
        body="" if sent is None else _short(sent.text or ""),
        status=entry.response.status,
        answer_headers=_headers(entry.response.headers),
        answer=_answer(answered),
        took_s=max(entry.time, 0.0) / 1000,
    )


def _answer(content: _Text) -> str | None:
    if content.encoding != "base64":
        return _short(content.text or "")
    try:
        return _short(_bytes(content.text or "").decode())
    except UnicodeDecodeError:
        return None


def _short(text: str) -> str | None:
    return text if len(text) <= LONGEST_BODY else None


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return text.encode()


def _split(entry: _Entry) -> SplitResult:
    return urlsplit(entry.request.url)


def _headers(pairs: list[_Pair]) -> Headers:
    return tuple((pair.name, pair.value) for pair in pairs if not pair.name.startswith(":"))


def read_transcript(path: Path) -> Recording:
    """What a file says with a line of JSON for each event: `open`, `sent`, `received`, `close`, `http`.

    Raises `ConfigurationError` with every line that is none of these.
    """
    mistakes: list[Mistake] = []
    recording = Recording()
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Event)
    before_s = 0.0
    for number, line in enumerate(_content(path, "--transcript").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            event: Event = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            expected = "a line of JSON with kind: open, sent, received, close or http"
            mistakes.append(Mistake(shown_path(path), number, "(line)", expected, str(error)))
            continue
        before_s = max(before_s, event.at_s)  # a line that says no time comes when the one before it did
        recording.add(msgspec.structs.replace(event, at_s=before_s))
    if mistakes:
        raise ConfigurationError(mistakes[:_MOST_MISTAKES])
    return recording


def _content(path: Path, option: str) -> bytes:
    try:
        with opened(path) as file:
            return file.whole(_LONGEST)
    except OSError as error:
        raise _mistaken(option, path, "a file that can be read", error.strerror or "an error") from error


def _mistaken(option: str, path: Path, expected: str, got: str, action: str = "") -> ConfigurationError:
    return ConfigurationError([Mistake(shown_path(path), 0, option, expected, got, action)])
