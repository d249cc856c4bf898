"""One message of a contract: what is held against a frame, and the branches among which a frame is recognised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from envparity.conversation.contract.description import MessageAt
from envparity.conversation.contract.documents import DocumentPlace, Documents
from envparity.conversation.contract.schemas import DIALECTS, Schemas
from envparity.conversation.contract.yaml_text import shortened
from envparity.support.json_schema import ValidationError, Validator

__all__ = ["Branch", "Message", "read_message"]

_MOST_BRANCHES: Final = 200
_DEEPEST: Final = 5
_MOST_CONSTANTS: Final = 100


@dataclass(frozen=True)
class Branch:
    """One way to be that message: its name, the values by which it is recognised, and where its schema stands."""

    name: str
    constants: Mapping[str, frozenset[object]]
    schema: DocumentPlace | None
    validator: Validator

    def likeness(self, frame: object) -> int:
        """How many of its values the frame has; -1 where one is another."""
        alike = 0
        if not isinstance(frame, dict):
            return alike
        for name, values in self.constants.items():
            if name in frame:
                if not _is_one_of(frame[name], values):
                    return -1
                alike += 1
        return alike

    def errors(self, frame: Any) -> list[str]:
        """What is wrong with that frame, in words, each with its place."""
        found = sorted(self.validator.iter_errors(frame), key=lambda error: list(map(str, error.absolute_path)))
        return [f"{self.name}: {said}" for error in found for said in _words(error)]


@dataclass(frozen=True)
class Message:
    """A message, with what is held against a frame and the branches of its schema; without `oneOf` there is one."""

    name: str
    validator: Validator
    branches: tuple[Branch, ...]
    content: DocumentPlace = field(repr=False)
    schema: DocumentPlace | None = field(default=None, repr=False)

    def types(self, frame_type: str) -> frozenset[str]:
        """What frames of this message say they are: a constant of that field, else the message's name."""
        said = {str(value) for branch in self.branches for value in branch.constants.get(frame_type, ())}
        return frozenset(said or {str(self.content.value.get("name") or self.name)})


def read_message(  # noqa: PLR0911  one for each thing that a payload may be
    documents: Documents, schemas: Schemas, at: MessageAt, frame_type: str
) -> Message | None:
    """That message; None where its payload is no schema that frames can be held against, which is noted.

    A message without a payload is any frame that says it is that one.
    """
    payload, form = at.place.below("payload"), at.place.below("schemaFormat")
    if isinstance(payload.value, dict) and "schemaFormat" in payload.value:  # a multi-format schema object
        form, payload = payload.below("schemaFormat"), payload.below("schema")
    if payload.value is None:
        return _named(at, frame_type)
    followed = documents.followed(payload)
    if followed is None:
        return None  # a mistake already, as a reference
    dialect = schemas.dialect(form, followed)
    if dialect is None:
        return None
    if isinstance(followed.value, dict) and "schemaFormat" in followed.value:  # a reference to one
        return read_message(documents, schemas, MessageAt(at.name, _holding(at.place, followed)), frame_type)
    if not isinstance(followed.value, dict | bool):
        documents.mistake(payload, "a schema", repr(followed.value))
        return None
    validator = schemas.validator(followed, dialect)
    if validator is None:
        return None
    branches = _Branches(documents, schemas, dialect).of(at.name, followed)
    return Message(at.name, validator, branches, at.place, followed)


def _holding(message: DocumentPlace, payload: DocumentPlace) -> DocumentPlace:
    return DocumentPlace(payload.uri, message.pointer, {**message.value, "payload": payload.value})


def _named(at: MessageAt, frame_type: str) -> Message:
    name = str(at.place.value.get("name") or at.name)
    schema = {"type": "object", "required": [frame_type], "properties": {frame_type: {"const": name}}}
    validator: Validator = DIALECTS["JSON Schema draft-07"][1](schema)
    branch = Branch(at.name, {frame_type: frozenset({name})}, None, validator)
    return Message(at.name, validator, (branch,), at.place)


class _Branches:
    def __init__(self, documents: Documents, schemas: Schemas, dialect: str) -> None:
        self._documents, self._schemas, self._dialect = documents, schemas, dialect
        self._left = _MOST_BRANCHES

    def of(self, name: str, schema: DocumentPlace) -> tuple[Branch, ...]:
        return tuple(self._under(name, schema, {}, 0))

    def _under(
        self, name: str, schema: DocumentPlace, constants: Mapping[str, frozenset[object]], depth: int
    ) -> Iterator[Branch]:
        """The branches of a schema; `constants` are those of what is around it."""
        if not isinstance(schema.value, dict):
            return
        constants = {**constants, **self._constants(schema, 0)}
        discriminator = schema.value.get("discriminator")
        for key in ("oneOf", "anyOf"):
            options = list(schema.below(key).items())
            if options and depth < _DEEPEST and self._left > len(options):
                self._left -= len(options)
                for index, option in enumerate(options, start=1):
                    held = self._documents.followed(option)
                    if held is None:
                        continue
                    own = _last(option)
                    named = dict(constants)
                    if isinstance(discriminator, str) and own:
                        named[discriminator] = frozenset({own})
                    label = f"{name}, {key} {index}{f' ({own})' if own else ''}"
                    yield from self._under(label, held, named, depth + 1)
                return
        validator = self._schemas.validator(schema, self._dialect)
        if validator is not None:
            yield Branch(name, constants, schema, validator)

    def _constants(self, schema: DocumentPlace, depth: int) -> dict[str, frozenset[object]]:
        """The properties that can have only a few values, those of `allOf` among them."""
        found: dict[str, frozenset[object]] = {}
        for part in schema.below("allOf").items() if depth < _DEEPEST else ():
            held = self._documents.followed(part)
            if held is not None:
                found |= self._constants(held, depth + 1)
        for name, place in schema.below("properties").entries():
            followed = self._documents.followed(place)
            held = followed.value if followed is not None else None
            values = [held["const"]] if isinstance(held, dict) and "const" in held else None
            if values is None and isinstance(held, dict) and isinstance(held.get("enum"), list):
                values = held["enum"]
            if values and len(values) <= _MOST_CONSTANTS and all(isinstance(value, str | int) for value in values):
                found[name] = frozenset(values)
        return found


def _last(option: DocumentPlace) -> str:
    """The name of what a reference leads to; "" for a schema that stands in its place."""
    target = option.value.get("$ref") if isinstance(option.value, dict) else None
    return target.rpartition("/")[2] if isinstance(target, str) else ""


def _is_one_of(value: object, values: frozenset[object]) -> bool:
    return isinstance(value, str | int | float) and value in values


def _words(error: ValidationError, above: str = "") -> list[str]:
    """An error in words; of a `oneOf` and an `anyOf`, what the branch that comes nearest says, with its number."""
    where = ".".join(map(str, error.absolute_path))
    if not error.context or error.validator not in {"oneOf", "anyOf"}:
        return [f"{where}{above}: {shortened(error.message)}" if where or above else shortened(error.message)]
    groups: dict[str | int, list[ValidationError]] = {}
    for inner in error.context:
        groups.setdefault(inner.relative_schema_path[0], []).append(inner)
    nearest = min(groups, key=lambda index: (sum(map(_is_of_another, groups[index])), len(groups[index])))
    label = f"{above} ({error.validator} {int(nearest) + 1} of {len(groups)})"
    return [said for inner in groups[nearest] for said in _words(inner, label)]


def _is_of_another(error: ValidationError) -> bool:
    """Whether it says that the value is meant for another branch."""
    return error.validator in {"const", "enum", "type"} and len(error.relative_path) <= 1
