"""A transcript in canonical form, connection by connection, so that two can be laid side by side.

Between two connections the order is incidental, within one it is not. What the client sent shows only its kind: it
follows from the script and from the settings, and is nothing that the backend did.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

from envparity.judge.moments import Moment
from envparity.judge.volatile import Placeholders
from envparity.model.backend import Backend
from envparity.observe.frame import BinaryFrame, Frame, JsonFrame, TextFrame, plain
from envparity.observe.headers import Cookie
from envparity.observe.moments import moment_of
from envparity.observe.transcript import (
    ConnectionClosed,
    ControlDone,
    DeadlinePassed,
    Event,
    FrameReceived,
    FrameSent,
    HandshakeAnswered,
    HttpAnswered,
    SilenceKept,
    Transcript,
)

__all__ = ["Item", "connections", "event_data", "frame_type", "line", "lines"]

_USUAL_HTTP = "1.1"
_MOMENT = '"<time>"'  # a field that is one
_REFUSED = 400  # statuses from there on say what is wrong (RFC 9110 §15.5)
_LONGEST = 200  # characters of one quoted line; padding that only makes a frame big is not worth reading


@dataclass(frozen=True)
class Item:
    """One thing that happened, `times` it did in a row. Equal when kind, name and fields are."""

    kind: str  # Event.kind
    name: str  # a frame's type, or the kind again
    fields: Mapping[str, str]  # dotted path within the frame -> JSON text
    event: Event = field(compare=False)
    times: int = field(default=1, compare=False)
    moments: Mapping[str, Moment] = field(default_factory=dict, compare=False)  # of fields that are one, by path

    @property
    def label(self) -> str:
        """`received connection_established`, `close`."""
        return self.kind if self.kind == self.name else f"{self.kind} {self.name}"

    def __str__(self) -> str:
        fields = ", ".join(f"{path} {value}" for path, value in sorted(self.fields.items()))
        return f"{self.label}: {fields}" if fields else self.label


def connections(backend: Backend, transcript: Transcript) -> dict[str, tuple[Item, ...]]:
    """What happened on each connection, with volatile values replaced and runs of equal events as one."""
    grouped: dict[str, list[tuple[int, Event]]] = {}
    for number, event in enumerate(transcript.events):
        grouped.setdefault(event.connection, []).append((number, event))
    return {
        connection: tuple(
            _collapsed(
                _as_said(transcript, number, _item(backend, event, placeholders, transcript.began))
                for number, event in events
            )
        )
        for connection, events in grouped.items()
        for placeholders in [Placeholders(transcript.names, backend.volatile)]
    }


def _as_said(transcript: Transcript, number: int, item: Item) -> Item:
    """The item with what the script says of that event in words of placeholders, where the script was kept to."""
    if transcript.departure is not None or not transcript.said:
        return item
    prefix = f"{number}."
    fields = dict(item.fields)
    for place, text in transcript.said.items():
        path = place.removeprefix(prefix)
        under = [name for name in fields if name == path or name.startswith(f"{path}.")]
        if place.startswith(prefix) and under:
            for name in under:
                del fields[name]
            fields[path] = json.dumps(text, ensure_ascii=False)
    return replace(item, fields=fields)


def frame_type(backend: Backend, frame: Frame) -> str:
    """What a frame says it is; `text`, `bytes` or `frame` where it says nothing."""
    match frame:
        case TextFrame():
            return "text"
        case BinaryFrame():
            return "bytes"
        case JsonFrame(value, type=said):
            named = said or value.get(backend.frame_type)
            return named if isinstance(named, str) and named else "frame"


def line(event: Event) -> str:
    """An event as it was, in one line: `received {"type": "pong"}`, `close 1013 startup_failed:postgres`."""
    match event:
        case HandshakeAnswered(status=status, subprotocol=subprotocol):
            text = f"handshake {status}" + (f", subprotocol {subprotocol}" if subprotocol else "")
            text += f", {', '.join(event.extensions)}" if event.extensions else ""
            text += f", without the cookie {'; '.join(event.withheld)}" if event.withheld else ""
        case HttpAnswered(request=request, status=status, error=error):
            text = f"{request} answered {status or error}" + (
                " by the ingress" if event.answered_by == "ingress" else ""
            )
            text += "".join(f", sets {cookie.name}: {_in_words(cookie)}" for cookie in event.cookies)
            text += f", without the cookie {'; '.join(event.withheld)}" if event.withheld else ""
            if status >= _REFUSED and event.body is not None:
                text += f": {json.dumps(plain(event.body), ensure_ascii=False)}"
        case ConnectionClosed(code=code, reason=reason, by=by):
            text = f"close {code} {reason}".rstrip() + f" by the {by}"
        case _:
            text = f"{event.kind} {json.dumps(event_data(event), ensure_ascii=False)}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def lines(transcript: Transcript, last: int) -> tuple[str, ...]:
    """The end of a transcript, event by event; the connection is named where there are several."""
    several = len({event.connection for event in transcript.events}) > 1
    return tuple(
        f"{event.connection}: {line(event)}" if several else line(event) for event in transcript.events[-last:]
    )


def _item(backend: Backend, event: Event, placeholders: Placeholders, began: float | None) -> Item:
    """The event without what differs from playing to playing: which replica, how long something took.

    `began` is when its conversation began, in seconds since the epoch, where that is known.
    """
    arrived = None if began is None else began + event.at_s
    data: dict[str, object]
    match event:
        case FrameSent(frame=frame):
            return Item("sent", frame_type(backend, frame), {}, event)
        case FrameReceived(frame=frame):
            fields = _fields(frame, placeholders)
            fields.pop(backend.frame_type, None)
            return Item("received", frame_type(backend, frame), fields, event, moments=_moments(fields, frame, arrived))
        case HttpAnswered(request=request, body=body):
            fields = _http_fields(event, placeholders)
            moments = {} if body is None else _moments(fields, body, arrived, "body.")
            return Item(event.kind, request.replace(" ", ":"), fields, event, moments=moments)
        case SilenceKept():
            data = {}
        case DeadlinePassed(waited_for=waited_for):
            data = {"waited_for": waited_for}
        case ControlDone() | HandshakeAnswered() | ConnectionClosed():
            data = {name: value for name, value in event_data(event).items() if name not in {"seconds", "withheld"}}
    return Item(event.kind, event.kind, dict(_flat(data, "", placeholders)) if data else {}, event)


def event_data(event: Event) -> dict[str, object]:
    """What an event says besides when and where it was, as JSON: a frame as it is written, no field that is unset."""
    data: dict[str, object]
    match event:
        case FrameReceived(frame=frame):
            data = plain(frame)
        case FrameSent(frame=frame, count=count, size=size):
            amounts = {"count": count, "size": size}
            given = {name: value for name, value in amounts.items() if value is not None}
            data = {"frame": plain(frame), **given} if given else plain(frame)
        case ControlDone(action=action, target=target, exit_code=exit_code, seconds=seconds):
            ended = {"exit_code": exit_code, "seconds": seconds} if action == "stopped" else {}
            data = {action: target or True, **ended} | ({"words": list(event.words)} if event.words else {})
        case HandshakeAnswered(status=status, subprotocol=subprotocol, error=error, withheld=withheld):
            refusal = event.body
            data = {"status": status, "subprotocol": subprotocol}
            data |= {"error": error} if error else {}
            data |= {"withheld": list(withheld)} if withheld else {}
            data |= {"extensions": ", ".join(event.extensions)} if event.extensions else {}
            data |= _of_an_answer(event)
            data |= {"body": refusal} if refusal else {}
        case HttpAnswered(request=request, status=status, error=error, body=body):
            data = {"request": request, "status": status} | ({"error": error} if error else {})
            data |= _of_an_answer(event)
            data |= {"withheld": list(event.withheld)} if event.withheld else {}
            data |= {"version": event.version} if event.version not in {"", _USUAL_HTTP} else {}
            data |= {"body": plain(body)} if body is not None else {}
        case ConnectionClosed(code=code, reason=reason, by=by):
            data = {"code": code, "reason": reason, "by": by}
        case SilenceKept(seconds=seconds):
            data = {"seconds": seconds}
        case DeadlinePassed(waited_for=waited_for, timeout_s=timeout_s):
            data = {"waited_for": waited_for, "timeout_s": timeout_s}
    return data


def _of_an_answer(event: HandshakeAnswered | HttpAnswered) -> dict[str, object]:
    """The headers of an answer, those of one name joined (RFC 9110 §5.3), and the cookies that it sets."""
    headers: dict[str, str] = {}
    for header in event.headers:
        headers[header.name] = ", ".join(filter(None, (headers.get(header.name), header.value)))
    cookies = {cookie.name: _attributes(cookie) for cookie in event.cookies}
    return ({"headers": headers} if headers else {}) | ({"cookies": cookies} if cookies else {})


def _http_fields(event: HttpAnswered, placeholders: Placeholders) -> dict[str, str]:
    """What is compared of an answer over HTTP: status, headers, cookies by their attributes, and the body's leaves."""
    headers: dict[str, str] = {}
    for header in event.headers:
        headers[header.name] = ", ".join(filter(None, (headers.get(header.name), header.value)))
    said: dict[str, object] = {"status": event.status} | ({"error": event.error} if event.error else {})
    said |= {"version": event.version} if event.version not in {"", _USUAL_HTTP} else {}
    fields = dict(_flat(said, "", placeholders))
    fields |= {f"headers.{name}": json.dumps(placeholders.leaf(name, value)) for name, value in headers.items()}
    for cookie in event.cookies:
        fields |= {f"cookies.{cookie.name}.{key}": json.dumps(value) for key, value in _attributes(cookie).items()}
    if event.body is not None:
        fields |= {f"body.{path}": value for path, value in _fields(event.body, placeholders).items()}
    return fields


def _attributes(cookie: Cookie) -> dict[str, object]:
    return {name: getattr(cookie, name) for name in cookie.__struct_fields__ if name != "name"}


def _in_words(cookie: Cookie) -> str:
    """The attributes as the header has them; `kept` is what a client makes of it."""
    words = [f"SameSite={cookie.same_site}"] if cookie.same_site else []
    words += [f"Domain={cookie.domain}"] if cookie.domain else []
    words += [f"Path={cookie.path}"] if cookie.path else []
    words += [word for word, said in (("Secure", cookie.secure), ("HttpOnly", cookie.http_only)) if said]
    words += [f"not kept, for {cookie.refused}"] if cookie.refused else []
    return " ".join(words) or "no attributes"


def _fields(frame: Frame, placeholders: Placeholders) -> dict[str, str]:
    """The frame's leaves by path. The digest of a binary one is what is in it, not an id that is made anew."""
    if isinstance(frame, BinaryFrame):
        return {name: json.dumps(value) for name, value in plain(frame).items()}
    return dict(_flat(plain(frame), "", placeholders))


def _moments(fields: Mapping[str, str], frame: Frame, arrived: float | None, prefix: str = "") -> dict[str, Moment]:
    """Those of the fields that are compared as a moment and no more, with what the frame says there."""
    if arrived is None or isinstance(frame, BinaryFrame) or _MOMENT not in fields.values():
        return {}
    said = {f"{prefix}{path}": value for path, value in _leaves(plain(frame), "") if isinstance(value, str)}
    read = {path: moment_of(said[path]) for path, value in fields.items() if value == _MOMENT and path in said}
    return {path: Moment(said[path], moment, arrived) for path, moment in read.items() if moment is not None}


def _collapsed(items: Iterable[Item]) -> Iterator[Item]:
    """Equal items in a row as one: a flood of 300 pongs is the same as one of 100."""
    for item, run in groupby(items):
        yield replace(item, times=len(list(run)))


def _flat(value: object, path: str, placeholders: Placeholders) -> Iterator[tuple[str, str]]:
    for place, leaf in _leaves(value, path):
        name = next((part for part in reversed(place.split(".")) if not part.isdigit()), place)
        yield place, json.dumps(placeholders.leaf(name, leaf), ensure_ascii=False, sort_keys=True)


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and (value or not path):
        for key, under in value.items():
            yield from _leaves(under, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for index, under in enumerate(value):
            yield from _leaves(under, f"{path}.{index}")
    else:
        yield path, value
