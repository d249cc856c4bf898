"""A transcript in canonical form, connection by connection, so that two can be laid side by side.

Between two connections the order is incidental, within one it is not. What the client sent shows only its kind: it
follows from the script and from the settings, and is nothing that the backend did.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from envparity.backend import Backend
from envparity.judge.volatile import Placeholders
from envparity.observe.record import Entry, Transcript

__all__ = ["Item", "connections", "frame_type", "line", "lines"]

_LONGEST = 200  # characters of one quoted line; padding that only makes a frame big is not worth reading
_DROPPED = {
    "handshake": {"replica"},
    "silence": {"seconds"},
    "timeout": {"timeout_s"},
    "control": {"replica", "seconds"},
}


@dataclass(frozen=True)
class Item:
    """One thing that happened, `times` it did in a row. Equal when kind, name and fields are."""

    kind: str  # Entry.kind
    name: str  # a frame's type, or the kind again
    fields: Mapping[str, str]  # dotted path within the frame -> JSON text
    entry: Entry = field(compare=False)
    times: int = field(default=1, compare=False)

    @property
    def label(self) -> str:
        """`received connection_established`, `close`."""
        return self.kind if self.kind == self.name else f"{self.kind} {self.name}"

    def __str__(self) -> str:
        fields = ", ".join(f"{path} {value}" for path, value in sorted(self.fields.items()))
        return f"{self.label}: {fields}" if fields else self.label


def connections(backend: Backend, transcript: Transcript) -> dict[str, tuple[Item, ...]]:
    """What happened on each connection, with volatile values replaced and runs of equal entries as one."""
    grouped: dict[str, list[Entry]] = {}
    for entry in transcript.entries:
        grouped.setdefault(entry.connection, []).append(entry)
    return {
        connection: tuple(_collapsed(_item(backend, entry, placeholders) for entry in entries))
        for connection, entries in grouped.items()
        for placeholders in [Placeholders(transcript.names, backend.volatile)]
    }


def frame_type(backend: Backend, frame: Mapping[str, Any]) -> str:
    """What a frame says it is; `text`, `bytes` or `frame` where it says nothing."""
    named = frame.get(backend.frame_type)
    if isinstance(named, str) and named:
        return named
    return next(iter(frame)) if len(frame) == 1 and set(frame) <= {"text", "bytes"} else "frame"


def line(entry: Entry) -> str:
    """An entry as it was, in one line: `received {"type": "pong"}`, `close 1013 startup_failed:postgres`."""
    data = entry.data
    match entry.kind:
        case "handshake":
            chosen = f", subprotocol {data['subprotocol']}" if data.get("subprotocol") else ""
            text = f"handshake {data.get('status')}{chosen}"
        case "close":
            text = " ".join(str(data[key]) for key in ("code", "reason") if data.get(key) not in {None, ""})
            text = f"close {text} by the {data.get('by', 'server')}"
        case _:
            text = f"{entry.kind} {json.dumps(data, ensure_ascii=False)}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def lines(transcript: Transcript, last: int) -> tuple[str, ...]:
    """The end of a transcript, entry by entry; the connection is named where there are several."""
    several = len({entry.connection for entry in transcript.entries}) > 1
    return tuple(f"{one.connection}: {line(one)}" if several else line(one) for one in transcript.entries[-last:])


def _item(backend: Backend, entry: Entry, placeholders: Placeholders) -> Item:
    dropped = _DROPPED.get(entry.kind, set())
    data = {key: value for key, value in entry.data.items() if key not in dropped and not _seconds(entry, key, value)}
    fields = dict(_flat(data, "", placeholders))
    if entry.kind not in {"sent", "received"}:
        return Item(entry.kind, entry.kind, fields, entry)
    name = frame_type(backend, entry.data)
    if entry.kind == "sent":
        return Item("sent", name, {}, entry)
    fields.pop(backend.frame_type, None)
    return Item("received", name, fields, entry)


def _seconds(entry: Entry, key: str, value: Any) -> bool:
    """Whether a control step noted how long something took."""
    return entry.kind == "control" and (isinstance(value, float) or key.endswith("_s"))


def _collapsed(items: Iterable[Item]) -> Iterator[Item]:
    """Equal items in a row as one: a flood of 300 pongs is the same as one of 100."""
    for item, run in groupby(items):
        yield replace(item, times=len(list(run)))


def _flat(value: Any, path: str, placeholders: Placeholders) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and (value or not path):
        for key, under in value.items():
            yield from _flat(under, f"{path}.{key}" if path else key, placeholders)
    elif isinstance(value, list) and value:
        for index, under in enumerate(value):
            yield from _flat(under, f"{path}.{index}", placeholders)
    else:
        name = next((part for part in reversed(path.split(".")) if not part.isdigit()), path)
        yield path, json.dumps(placeholders.leaf(name, value), ensure_ascii=False, sort_keys=True)
