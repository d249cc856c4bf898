"""An AsyncAPI 3 document inferred from frames: a message for each type and direction, as JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import yaml

from envparity.model.step import PLACEHOLDER
from envparity.observe.frame import JsonFrame
from envparity.observe.transcript import FrameReceived, FrameSent, Transcript
from envparity.recording.events import MessageReceived, MessageSent
from envparity.recording.speech import Speech
from envparity.recording.turns import Turn
from envparity.support.redaction import is_secret_name

__all__ = ["contract_document", "contract_text", "inferred"]

Direction = Literal["sent", "received"]

_UUID: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_-]{0,30}")
_MOST_WORDS: Final = 5
_SLUG: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_KINDS: Final = (
    ("boolean", bool),
    ("integer", int),
    ("number", float),
    ("string", str),
    ("array", list),
    ("object", dict),
)


def contract_text(turns: Sequence[Turn], plays: Sequence[Transcript], speech: Speech, name: str, path: str) -> str:
    """The document as YAML; "" where the frames of a direction have no form: there are none, or they are no objects."""
    document = contract_document(turns, plays, speech, name, path)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120) if document else ""


def contract_document(
    turns: Sequence[Turn], plays: Sequence[Transcript], speech: Speech, name: str, path: str
) -> dict[str, object]:
    """The document, of what was recorded and of what was said in these plays; empty where there is none to be made."""
    frames = _frames(turns, plays, speech)
    if not all(any(direction == wanted for direction, _ in frames) for wanted in ("sent", "received")):
        return {}
    schemas: dict[str, object] = {}
    operations: dict[Direction, list[dict[str, str]]] = {"received": [], "sent": []}
    messages: dict[str, object] = {}
    for (direction, kind), samples in frames.items():
        key = f"{'client' if direction == 'sent' else 'server'}.{_SLUG.sub('_', kind or 'frame')}"
        schema = inferred(samples)
        if kind is not None:
            _name(schema, _type_path(speech, samples, kind), kind)
        schemas[key] = schema
        messages[key] = {"payload": {"$ref": f"#/components/schemas/{key}"}}
        operations[direction].append({"$ref": f"#/channels/conversation/messages/{key}"})
    channel = "#/channels/conversation"
    parameters: dict[str, object] = {found[1]: {} for found in PLACEHOLDER.finditer(path)}
    address: dict[str, object] = {"address": path, **({"parameters": parameters} if parameters else {})}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": name, "version": "1.0.0"},
        "channels": {"conversation": {**address, "messages": messages}},
        "operations": {
            "said_by_clients": {"action": "receive", "channel": {"$ref": channel}, "messages": operations["sent"]},
            "said_by_the_backend": {"action": "send", "channel": {"$ref": channel}, "messages": operations["received"]},
        },
        "components": {"schemas": schemas},
    }


def _frames(
    turns: Sequence[Turn], plays: Sequence[Transcript], speech: Speech
) -> dict[tuple[Direction, str | None], list[dict[str, object]]]:
    """The frames by who said them and by type, those of the recording first."""
    found: dict[tuple[Direction, str | None], list[dict[str, object]]] = {}
    for turn in turns:
        if isinstance(turn.frame, dict) and isinstance(turn.event, MessageSent | MessageReceived):
            direction: Direction = "sent" if isinstance(turn.event, MessageSent) else "received"
            found.setdefault((direction, speech.type_of(turn.frame)), []).append(turn.frame)
    for event in (event for play in plays for event in play.events):
        if isinstance(event, FrameReceived | FrameSent) and isinstance(event.frame, JsonFrame):
            direction = "sent" if isinstance(event, FrameSent) else "received"
            found.setdefault((direction, speech.type_of(event.frame.value)), []).append(event.frame.value)
    return found


def inferred(samples: Sequence[object], name: str = "") -> dict[str, object]:
    """The schema of which all of these are: their types, what all objects have, formats, words where there are few."""
    types = [kind for kind, of in _KINDS if any(type(sample) is of for sample in samples)]
    if "number" in types and "integer" in types:
        types.remove("integer")
    types += ["null"] if any(sample is None for sample in samples) else []
    schema: dict[str, object] = {"type": types[0] if len(types) == 1 else types} if types else {}
    objects = [sample for sample in samples if isinstance(sample, dict)]
    if objects:
        names = dict.fromkeys(name for object_ in objects for name in object_)
        schema["properties"] = {
            name: inferred([object_[name] for object_ in objects if name in object_], name) for name in names
        }
        required = [name for name in names if all(name in object_ for object_ in objects)]
        schema |= {"required": required} if required else {}
    items = [item for sample in samples if isinstance(sample, list) for item in sample]
    if items:
        schema["items"] = inferred(items)
    return schema | _of_texts([sample for sample in samples if isinstance(sample, str)], name)


def _of_texts(texts: Sequence[str], name: str) -> dict[str, object]:
    if not texts:
        return {}
    if all(map(_UUID.fullmatch, texts)):
        return {"format": "uuid"}
    if all(map(_TIME.fullmatch, texts)):
        return {"format": "date-time"}
    words = sorted(set(texts))
    few = 1 < len(words) <= _MOST_WORDS and len(texts) >= 2 * len(words)
    if few and not is_secret_name(name) and all(map(_WORD.fullmatch, words)):
        return {"enum": words}
    return {}


def _type_path(speech: Speech, samples: Iterable[Mapping[str, object]], kind: str) -> tuple[str, ...]:
    """Where a frame says what it is."""
    pointer = getattr(speech.codec, "type", "")
    if pointer:
        return tuple(pointer.split("/")[1:])
    names = (speech.frame_type, "event", "target", "command", "packet", "op")
    return next(((name,) for name in names if all(sample.get(name) == kind for sample in samples)), ())


def _name(schema: dict[str, object], path: Sequence[str], kind: str) -> None:
    """Have the schema say what frame it is of."""
    for part in path:
        properties = schema.get("properties")
        under = properties.get(part) if isinstance(properties, dict) else None
        schema = under if isinstance(under, dict) else {}
    if path and schema:
        schema.pop("enum", None)
        schema.pop("format", None)
        schema["const"] = kind
