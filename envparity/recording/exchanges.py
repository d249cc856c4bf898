"""Which requests over HTTP a conversation needs, and the steps that make them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from envparity.model.backend import Backend
from envparity.recording.events import HttpExchange, WebSocketOpened, first_of
from envparity.recording.speech import as_json
from envparity.recording.turns import Turn, cookies_of, form_of, is_usual, query_of, set_cookies
from envparity.recording.unsayable import Unsayable, is_plain, json_text, packet_text, query_table, sayable
from envparity.recording.values import Values

__all__ = ["exchange_table", "needed_exchanges"]

Table = dict[str, Any]

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_STATUSES: Final = range(200, 600)


def needed_exchanges(turns: Sequence[Turn], values: Values, backend: Backend) -> dict[int, frozenset[str]]:
    """The turns of the requests that change something, bring frames, or give what is used later, each with the cookies
    of its answer that are.

    What the scheme of the backend's file does by itself, signing in, is none of them.
    """
    signing_in = getattr(backend.scheme, "request", None)
    needed: dict[int, set[str]] = {}
    for number, turn in enumerate(turns):
        event = turn.event
        if not isinstance(event, HttpExchange):
            continue
        if f"{event.method} {event.target.partition('?')[0]}" == signing_in or event.status not in _STATUSES:
            continue
        if turn.posted is not None and not turn.posted.frames:
            continue  # clients of the codec say it by themselves
        if event.method not in _READING or turn.brings_frames or values.captures.get(number):
            places = values.captures.get(number, {}).values()
            needed[number] = {place.removeprefix("cookie:") for place in places if place.startswith("cookie:")}
    for later in reversed(range(len(turns))):
        event = turns[later].event
        if isinstance(event, WebSocketOpened) or (isinstance(event, HttpExchange) and later in needed):
            for name, value in cookies_of(event).items():
                setter = _setter(turns, later, name, value)
                if setter is not None:
                    needed.setdefault(setter, set()).add(name)
    return {number: frozenset(names) for number, names in sorted(needed.items())}


def _setter(turns: Sequence[Turn], before: int, name: str, value: str) -> int | None:
    """The last request before that turn whose answer has set this cookie."""
    for number in reversed(range(before)):
        event = turns[number].event
        if isinstance(event, HttpExchange) and (name, value) in set_cookies(event):
            return number
    return None


def exchange_table(
    turns: Sequence[Turn], number: int, values: Values, needed: dict[int, frozenset[str]], backend: Backend
) -> Table:
    """The step for the request of that turn. Raises `Unsayable`."""
    event = turns[number].event
    assert isinstance(event, HttpExchange)  # noqa: S101  of whom this is called
    path = sayable(values.said_path(event.target.partition("?")[0], number), f"the path of {event.method}")
    table: Table = {"http": f"{event.method} {path}"}
    query = query_table(query_of(event.target), values, number)
    table |= {"query": query} if query else {}
    table |= _headers(event, number, values)
    table |= _body(event, number, values) if turns[number].posted is None else _packets(event, number, values)
    table |= {"status": event.status} if event.status != 200 else {}
    brought = {name for index, names in needed.items() if index < number for name in names}
    sent = cookies_of(event)
    if needed[number] or brought & sent.keys():
        table["cookies"] = True
    own = {name: values.said(value, number) for name, value in sent.items() if name not in brought}
    own = {name: value for name, value in own.items() if value != sent[name]}
    if own and "cookies" not in table:
        table.setdefault("headers", {})["Cookie"] = "; ".join(f"{name}={value}" for name, value in own.items())
    origin, host = first_of(event.headers, "origin"), first_of(event.headers, "host")
    if origin:
        said = "allowed" if origin.partition("://")[2] == host else origin
        table |= {"origin": said} if said != backend.origin else {}
    captures = values.captures.get(number)
    return table | ({"capture": captures} if captures else {})


def _headers(event: HttpExchange, number: int, values: Values) -> Table:
    headers = {
        name: sayable(values.said(value, number), f"the header {name}")
        for name, value in event.headers
        if not is_usual(name)
    }
    return {"headers": headers} if headers else {}


def _body(event: HttpExchange, number: int, values: Values) -> Table:
    """What is sent: a form, JSON, or a text."""
    if event.body == "":
        return {}
    if event.body is None:
        raise Unsayable(f"{event.method} {event.target.partition('?')[0]} sent bytes, or too many: it is left out")
    pairs = form_of(event)
    if pairs:
        return {"form": query_table(pairs, values, number)}
    kind = first_of(event.headers, "content-type")
    held = as_json(event.body) if "json" in kind.lower() or not kind else None
    if held is not None:
        if is_plain(held):
            return {"json": values.said(held, number)}
        return _said_headers(event, number, values, kind) | {"body": json_text(held, values, number)}
    text = sayable(values.said(event.body, number), f"what {event.method} sent")
    return _said_headers(event, number, values, kind) | {"body": text}


def _packets(event: HttpExchange, number: int, values: Values) -> Table:
    """Frames of a long polling as they were posted."""
    text = packet_text(event.body or "", values, number)
    return _said_headers(event, number, values, first_of(event.headers, "content-type")) | {"body": text}


def _said_headers(event: HttpExchange, number: int, values: Values, kind: str) -> Table:
    headers: Table = _headers(event, number, values).get("headers", {})
    headers |= {"Content-Type": kind} if kind else {}
    return {"headers": headers} if headers else {}
