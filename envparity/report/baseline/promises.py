"""A contract as lines of text, and which of their changes break whom: clients that send, or clients that listen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from envparity.conversation.contract.contract import ContractReading
from envparity.conversation.contract.documents import DocumentPlace, Documents
from envparity.conversation.contract.of_backend import contract_of
from envparity.model.backend import Backend

__all__ = ["Change", "changes", "promises"]

_DEEPEST: Final = 12
_KEYWORDS: Final = (
    "type", "const", "enum", "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minLength", "maxLength", "minItems", "maxItems", "multipleOf", "uniqueItems",
)  # fmt: skip
_UPPER: Final = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems"})
_LOWER: Final = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems"})
_REQUIRED, _CLOSED = "required", "closed"


class Change(msgspec.Struct, frozen=True, order=True):
    """A change of a contract: `breaks` says for whom it may no longer hold ("": for nobody)."""

    breaks: str
    path: str
    text: str


def promises(backend: Backend) -> dict[str, str]:
    """What the contract says of every message and field, by `sent user_message.text`; nothing without a contract."""
    contract = contract_of(backend)
    if contract is None or backend.contract is None:
        return {}
    documents = ContractReading(backend.contract.document, beside=backend.file).documents
    directions: tuple[Literal["sent", "received"], ...] = ("sent", "received")
    return {
        path: json.dumps(said, sort_keys=True, ensure_ascii=False)
        for direction in directions
        for message in contract.messages(direction)
        for path, said in _flat(documents, message.schema, f"{direction} {message.name}", {_REQUIRED: True}, 0)
    }


def _flat(
    documents: Documents, place: DocumentPlace | None, path: str, said: dict[str, object], depth: int
) -> Iterator[tuple[str, dict[str, object]]]:
    schema = documents.followed(place) if place is not None else None
    value = schema.value if schema is not None else None
    if schema is None or not isinstance(value, dict) or depth > _DEEPEST:
        yield path, said
        return
    yield path, said | _said(value)
    named = value.get("required")
    required = named if isinstance(named, list) else []
    for name, under in schema.below("properties").entries():
        yield from _flat(documents, under, f"{path}.{name}", {_REQUIRED: name in required}, depth + 1)
    if isinstance(value.get("items"), dict):
        yield from _flat(documents, schema.below("items"), f"{path}[]", {_REQUIRED: True}, depth + 1)
    for word in ("allOf", "anyOf", "oneOf"):
        for index, under in enumerate(schema.below(word).items()):
            yield from _flat(documents, under, f"{path}.{word}[{index}]", {_REQUIRED: True}, depth + 1)


def _said(value: Mapping[str, object]) -> dict[str, object]:
    said = {word: value[word] for word in _KEYWORDS if word in value}
    return said | ({_CLOSED: True} if value.get("additionalProperties") is False else {})


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """What has changed, what breaks somebody first. Each path by itself: below what is gone nothing is repeated."""
    found: list[Change] = []
    gone: list[str] = []
    for path in sorted({*before, *after}):
        if any(path.startswith((f"{text}.", f"{text}[")) for text in gone) or before.get(path) == after.get(path):
            continue
        sent = path.startswith("sent ")
        if path not in after or path not in before:
            gone.append(path)
        found.append(_change(path, _read(before.get(path)), _read(after.get(path)), sent=sent))
    return sorted(found, key=lambda value: (not value.breaks, value.path))


def _read(text: str | None) -> dict[str, object] | None:
    return None if text is None else json.loads(text)


def _change(path: str, before: dict[str, object] | None, after: dict[str, object] | None, *, sent: bool) -> Change:
    who = "clients that send it" if sent else "clients that rely on it"
    if after is None:
        return Change(who, path, "is gone")
    if before is None:
        needed = sent and bool(after.get(_REQUIRED)) and "." in path
        return Change(who if needed else "", path, "is new and required" if needed else "is new")
    reasons = list(_reasons(before, after, sent=sent))
    text = "; ".join(reasons) or "; ".join(_differences(before, after))
    return Change(who if reasons else "", path, text)


def _differences(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    for word in sorted({*before, *after}):
        if before.get(word) != after.get(word):
            yield f"{word} was {_shown(before.get(word))}, is {_shown(after.get(word))}"


def _reasons(before: Mapping[str, object], after: Mapping[str, object], *, sent: bool) -> Iterator[str]:
    """What clients have sent must be taken still; what they hear must be no more than they knew."""
    for word in sorted({*before, *after}):
        old, new = before.get(word), after.get(word)
        if old == new:
            continue
        wide, narrow = (new, old) if sent else (old, new)  # the first must allow all that the second does
        if word == _REQUIRED:
            if bool(new) == sent:
                yield "is required now" if sent else "is no longer promised"
        elif not _allows(word, wide, narrow):
            yield f"{word} was {_shown(old)}, is {_shown(new)}"


def _allows(word: str, wide: object, narrow: object) -> bool:
    """Whether what `narrow` allows is allowed by `wide`, as far as that keyword says; None: it says nothing."""
    if wide is None:
        return True
    if narrow is None:
        return False
    if word in {"type", "enum"}:
        every = [value if isinstance(value, list) else [value] for value in (wide, narrow)]
        return all(item in every[0] or (item == "integer" and "number" in every[0]) for item in every[1])
    if not (isinstance(wide, int | float) and isinstance(narrow, int | float)):
        return False
    return (word in _UPPER and wide >= narrow) or (word in _LOWER and wide <= narrow)


def _shown(value: object) -> str:
    return "not there" if value is None else json.dumps(value, ensure_ascii=False)
