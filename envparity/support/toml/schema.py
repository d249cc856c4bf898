"""Documents held against the JSON Schemas of their keys: every mistake with its line and what was expected."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, cast

from envparity.errors import Mistake
from envparity.support.json_schema import Draft202012Validator, FormatChecker, ValidationError, Validator, extend
from envparity.support.toml.document import Document, did_you_mean, in_words
from envparity.support.toml.lines import KeyPath

__all__ = ["known_keys", "schema_mistakes"]

_SECRETIVE = frozenset({"settings", "variables", "secret", "client_secret", "token", "headers", "query"})
"""A literal below these keys may be a secret: it is never quoted back."""


_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "a table",
}


def _pattern(_validator: Validator, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    # ECMA-262, which JSON Schema asks for: `$` is the very end, and never before a last newline as in Python.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"does not match {pattern}")


_STRICT: type[Validator] = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def known_keys(schema: str) -> frozenset[str]:
    """The keys that a document of that schema can have at its top."""
    return frozenset(_schema(schema)["properties"])


@cache
def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, object] = json.loads(files("envparity").joinpath("schemas", name).read_text(encoding="utf-8"))
    return schema


def schema_mistakes(document: Document, schema: str, parts: Mapping[str, object] | None = None) -> list[Mistake]:
    """Everything that the schema of that file name (in `envparity/schemas`) says against the document.

    `parts` replace those of its `$defs`: what the kinds of things may hold that are installed and named here.
    """
    whole = _schema(schema)
    whole = {**whole, "$defs": {**whole.get("$defs", {}), **(parts or {})}}
    validator = _STRICT(whole, format_checker=FormatChecker(["date"]))
    found = {mistake for error in validator.iter_errors(document.data) for mistake in _mistakes(document, error)}
    return sorted(found)


def _mistakes(document: Document, error: ValidationError) -> Iterator[Mistake]:
    key: KeyPath = tuple(error.absolute_path)
    rule, value, instance = str(error.validator), cast("Any", error.validator_value), cast("Any", error.instance)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, dict) else {}
    secretive = bool(_SECRETIVE & set(key))
    if rule == "additionalProperties":
        known = schema.get("properties", {})
        for extra in sorted(set(instance) - set(known)):
            action = did_you_mean(extra, known) or "known here: " + ", ".join(sorted(known))
            yield document.mistake((*key, extra), "a known key", "an unknown one", action)
    elif rule == "required":
        for name in sorted(set(value) - set(instance)):
            what = schema.get("properties", {}).get(name, {}).get("description", "this key")
            yield document.mistake((*key, name), "a value", "no such key", what)
    elif "propertyNames" in error.absolute_schema_path:
        yield document.mistake((*key, str(instance)), str(schema.get("description", value)), "this name")
    elif rule == "enum":
        action = did_you_mean(str(instance), map(str, value))
        yield document.mistake(key, "one of " + ", ".join(map(str, value)), in_words(instance), action)
    else:
        expected = _expected(rule, value, schema)
        yield document.mistake(key, expected, in_words(instance, secretive=secretive), _purpose(schema, expected))


def _expected(rule: str, value: object, schema: Mapping[str, object]) -> str:
    types: Sequence[str] = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    phrases = {
        "type": " or ".join(_TYPES.get(kind, kind) for kind in types if isinstance(kind, str)),
        "minimum": f"at least {value}",
        "exclusiveMinimum": f"more than {value}",
        "maximum": f"at most {value}",
        "minLength": "a string that is not empty",
        "minItems": f"at least {value} of them",
        "maxItems": f"at most {value} of them",
        "minProperties": f"at least {value} key",
        "maxProperties": f"at most {value} key",
        "uniqueItems": "each of them once",
        "format": f"a {value} such as 2031-12-31",
    }
    return phrases.get(rule) or str(schema.get("description", f"what the schema's {rule} says"))


def _purpose(schema: Mapping[str, object], expected: str) -> str:
    """What the key is for, as advice, unless it has been said already."""
    purpose = str(schema.get("description", ""))
    return "" if purpose == expected else purpose
