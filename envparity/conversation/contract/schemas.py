"""The schemas of a contract: which dialect each is written in, whether it is a schema, and what is held against it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from envparity.conversation.contract.bounded_schema import BoundedDraft7, BoundedDraft202012
from envparity.conversation.contract.documents import DocumentPlace, Documents
from envparity.conversation.contract.yaml_text import escaped, shortened
from envparity.support.json_schema import Draft7Validator, Draft202012Validator, Validator
from envparity.support.patterns import pattern_problem

__all__ = ["DIALECTS", "Schemas"]

_DRAFT_7 = "JSON Schema draft-07"
_2020_12 = "JSON Schema 2020-12"
DIALECTS: Final[dict[str, tuple[type[Any], type[Any]]]] = {
    _DRAFT_7: (Draft7Validator, BoundedDraft7),
    _2020_12: (Draft202012Validator, BoundedDraft202012),
}
"""By the dialect's name, what checks a schema and what checks by it."""
_DECLARED = {
    "json-schema.org/draft-07/schema": _DRAFT_7,
    "json-schema.org/draft/2020-12/schema": _2020_12,
}
_FORMATS = (
    (re.compile(r"application/schema\+(json|yaml);\s*version=(draft-07|draft-7|7)"), _DRAFT_7),
    (re.compile(r"application/schema\+(json|yaml);\s*version=(draft/)?(draft-)?2020-12"), _2020_12),
    (re.compile(r"application/vnd\.aai\.asyncapi(\+(json|yaml))?(;\s*version=[\d.]+)?"), ""),
    (re.compile(r"application/schema\+(json|yaml)|application/(json|yaml)"), ""),
)
_OTHERS = (
    ("avro", "Avro"),
    ("raml", "RAML"),
    ("protobuf", "Protobuf"),
    ("openapi", "OpenAPI"),
    ("xml", "XML Schema"),
    ("thrift", "Thrift"),
)
_NO_SCHEMAS = frozenset({"const", "enum", "examples", "example", "default"})


class Schemas:
    """Validators for the schemas of a contract's documents. What is wrong with one is noted once."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._checked: dict[tuple[str, str], bool] = {}

    def dialect(self, said: DocumentPlace, schema: DocumentPlace) -> str | None:
        """In which dialect a schema is written: as `schemaFormat` says, or its file; else draft-07, as AsyncAPI has it.

        None for a format that is another language, which is noted.
        """
        if said.value is None:
            return self._declared(schema)
        form = str(said.value).strip().lower()
        for pattern, dialect in _FORMATS:
            if pattern.fullmatch(form):
                return dialect or self._declared(schema)
        name = next((name for part, name in _OTHERS if part in form), "")
        got = f"{name} ({said.value})" if name else repr(said.value)
        expected = f"{_DRAFT_7}, {_2020_12} or AsyncAPI's own schema"
        self._documents.mistake(said, expected, got, "frames are held against JSON Schema alone")
        return None

    def validator(self, schema: DocumentPlace, dialect: str) -> Validator | None:
        """What checks a frame by that schema; None where it is none."""
        if not self.is_schema(schema, dialect):
            return None
        # By way of a reference, so that references inside the schema lead from where it stands.
        made: Validator = DIALECTS[dialect][1]({"$ref": schema.reference}, registry=self._documents.registry)
        return made

    def is_schema(self, schema: DocumentPlace, dialect: str) -> bool:
        """Whether it is one of that dialect; what keeps it from that is noted."""
        key = (schema.reference, dialect)
        if key not in self._checked:
            self._checked[key] = self._check(schema, dialect)
        return self._checked[key]

    def _check(self, schema: DocumentPlace, dialect: str) -> bool:
        checking, _ = DIALECTS[dialect]
        wrong = list(checking(checking.META_SCHEMA).iter_errors(schema.value))
        for error in wrong:
            self._documents.mistake(schema.below(*error.absolute_path), dialect, shortened(error.message))
        for place, pattern in _patterns(schema):
            problem = pattern_problem(pattern)
            if problem:
                got = f"{shortened(pattern)}: {problem}"
                self._documents.mistake(place, "a regular expression", got, "correct it")
        return not wrong

    def _declared(self, schema: DocumentPlace) -> str:
        """What `$schema` says, of the schema or of its file; draft-07 without one."""
        for held in self._documents.as_written(schema):
            said = held.get("$schema") if isinstance(held, dict) else None
            for part, dialect in _DECLARED.items():
                if isinstance(said, str) and part in said:
                    return dialect
        return _DRAFT_7


def _patterns(schema: DocumentPlace) -> Iterator[tuple[DocumentPlace, str]]:
    """Every regular expression of a schema, with its place."""
    held = schema.value
    if isinstance(held, list):
        for place in schema.items():
            yield from _patterns(place)
    for key in held if isinstance(held, dict) else ():
        place = schema.below(key)
        if key == "pattern" and isinstance(place.value, str):
            yield place, place.value
        elif key == "patternProperties" and isinstance(place.value, dict):
            for pattern in place.value:
                if isinstance(pattern, str):
                    yield DocumentPlace(place.uri, f"{place.pointer}/{escaped(pattern)}", pattern), pattern
        if key not in _NO_SCHEMAS:
            yield from _patterns(place)
