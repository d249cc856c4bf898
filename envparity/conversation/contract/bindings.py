"""The WebSocket bindings of channels: what a handshake must have in its query and its headers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from envparity.conversation.contract.description import Channel
from envparity.conversation.contract.documents import DocumentPlace, Documents
from envparity.conversation.contract.schemas import Schemas
from envparity.support.json_schema import Validator

__all__ = ["HandshakeBinding"]

_DRAFT_7: Final = "JSON Schema draft-07"


@dataclass(frozen=True)
class HandshakeBinding:
    """What is required of a handshake: names, and what each must be."""

    query: Mapping[str, Validator]
    required_query: frozenset[str]
    required_headers: frozenset[str]

    @classmethod
    def of(cls, documents: Documents, schemas: Schemas, channels: tuple[Channel, ...]) -> HandshakeBinding:
        """What the bindings of these channels say; a name is required where it is in all of them."""
        query: dict[str, Validator] = {}
        required: list[tuple[frozenset[str], frozenset[str]]] = []
        for channel in channels:
            binding = documents.followed(channel.place.below("bindings"))
            binding = documents.followed(binding.below("ws")) if binding is not None else None
            if binding is None or not isinstance(binding.value, dict):
                continue
            method = binding.below("method")
            if method.value is not None and str(method.value).upper() != "GET":
                documents.mistake(method, "GET (RFC 6455 §4.1)", repr(method.value))
            said = {name: _object(documents, schemas, binding.below(name)) for name in ("query", "headers")}
            for name, place in said["query"].below("properties").entries():
                schema = documents.followed(place)
                made = schemas.validator(schema, _DRAFT_7) if schema is not None else None
                if made is not None:
                    query[name] = made
            required.append((_required(said["query"]), _required(said["headers"])))
        both = [frozenset.intersection(*names) for names in zip(*required, strict=True)] or [frozenset(), frozenset()]
        return cls(query, both[0], frozenset(name.lower() for name in both[1]))

    def query_violations(self, given: Mapping[str, str]) -> tuple[str, ...]:
        """What the contract has against these parameters of a query; a text is read as the type that is asked for."""
        found = []
        for name, validator in self.query.items():
            if name in given and not any(validator.is_valid(value) for value in _readings(given[name])):
                found.append(f"query parameter {name}: {next(iter(validator.iter_errors(given[name]))).message}")
        return tuple(found)


def _object(documents: Documents, schemas: Schemas, place: DocumentPlace) -> DocumentPlace:
    """The schema of an object at that place, checked; an empty one where there is none."""
    held = documents.followed(place) if place.value is not None else None
    if held is None:
        return DocumentPlace(place.uri, place.pointer, {})
    if not isinstance(held.value, dict) or not schemas.is_schema(held, _DRAFT_7):
        if not isinstance(held.value, dict):
            documents.mistake(place, "a schema of an object", repr(held.value))
        return DocumentPlace(place.uri, place.pointer, {})
    return held


def _required(schema: DocumentPlace) -> frozenset[str]:
    named = schema.value.get("required", [])
    return frozenset(str(name) for name in named if isinstance(named, list))


def _readings(text: str) -> tuple[str | bool | int | float, ...]:
    """What a parameter's text may say: the text, a number, a boolean."""
    found: list[str | bool | int | float] = [text]
    if text in {"true", "false"}:
        found.append(text == "true")
    for kind in (int, float):
        with suppress(ValueError):
            found.append(kind(text))
    return tuple(found)
