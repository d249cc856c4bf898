"""A TOML document that knows its lines, and what a JSON Schema says against it: every mistake, in words."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from envparity.errors import Mistake
from envparity.toml_lines import KeyPath, key_lines

__all__ = ["Document", "did_you_mean", "dotted", "in_words", "read_document", "schema_mistakes", "shown_path"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_AT_LINE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_WITHOUT_LAST = re.compile(r"(?:\[\d+\]|\.[^.\[]*|^[^.\[]*)$")
_INT64 = 2**63
_TYPES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "an array",
    "object": "a table",
}
_SECRETIVE = frozenset({"settings", "secret", "token"})  # a literal below these keys may be a secret: never quoted back


@dataclass(frozen=True)
class Document:
    """One parsed TOML file. `data` holds only JSON types: dates and times are ISO 8601 strings."""

    source: str  # the path as people know it
    path: Path
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]

    def line(self, key: KeyPath) -> int:
        """The line of that key, else of the nearest table around it; 0 when unknown."""
        return next((self.lines[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self.lines), 0)

    def line_of(self, written: str) -> int:
        """The same for a key as `dotted` writes it: `scenario[2].steps[0].connect`."""
        while written and written not in self._written:
            written = _WITHOUT_LAST.sub("", written)
        return self._written.get(written, 0)

    @cached_property
    def _written(self) -> dict[str, int]:
        return {dotted(key): line for key, line in self.lines.items()}

    def mistake(self, key: KeyPath, expected: str, got: str, action: str = "") -> Mistake:
        """A mistake at that key of this document."""
        return Mistake(self.source, self.line(key), dotted(key) or "(document)", expected, got, action)

    def table(self, *key: str) -> dict[str, Any]:
        """The table at that key; empty when there is none or something else stands there (the schema says so)."""
        found: Any = self.data
        for one in key:
            found = found.get(one) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def tables(self, key: str) -> list[dict[str, Any]]:
        """The tables of the array at that key, an empty one for each item that is no table, so that indices hold."""
        found = self.data.get(key)
        return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []


def shown_path(path: Path) -> str:
    """The path as people know it: relative to the working directory when it lies below it."""
    try:
        return path.relative_to(Path.cwd()).as_posix() if path.is_absolute() else str(path)
    except ValueError:
        return str(path)


def read_document(path: Path) -> tuple[Document | None, list[Mistake]]:
    """Read and parse one file. What cannot be read or parsed is a `Mistake`, never an exception."""
    source = shown_path(path)

    def failed(line: int, expected: str, got: str, action: str) -> tuple[None, list[Mistake]]:
        return None, [Mistake(source, line, "(file)", expected, got, action)]

    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        near = did_you_mean(path.name, (one.name for one in path.parent.glob("*.toml")))
        return failed(0, "a TOML file", "no such file", near or "check the path")
    except OSError as error:
        return failed(0, "a TOML file", error.strerror or type(error).__name__, "check the path and its permissions")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return failed(line, "UTF-8 text", f"byte {error.object[error.start]:#04x}", "save the file as UTF-8")
    try:
        data = tomllib.loads(text)
    except RecursionError:
        return failed(0, "a TOML document", "one nested too deeply", "nest less")
    except ValueError as error:  # TOMLDecodeError, and an integer of more digits than Python reads
        place = _AT_LINE.search(str(error))
        at_end = text.count("\n") + (not text.endswith("\n"))
        line = (int(place["line"]) if place["line"] else at_end) if place else 0
        return failed(line, "valid TOML 1.0", _AT_LINE.sub("", str(error)), "correct the syntax")
    document = Document(source, path, _as_json(data), key_lines(text))
    return document, list(_unrepresentable(document, (), document.data))


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_as_json(one) for one in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _unrepresentable(document: Document, key: KeyPath, value: Any) -> Iterator[Mistake]:
    """Numbers that parse but are none: infinite, not a number, beyond 64 bits. No schema keyword refuses them."""
    if isinstance(value, dict | list):
        for name, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _unrepresentable(document, (*key, name), one)
    elif isinstance(value, float) and not math.isfinite(value):
        yield document.mistake(key, "a finite number", str(value))
    elif isinstance(value, int) and not -_INT64 <= value < _INT64:
        yield document.mistake(key, "an integer of 64 bits", "a larger one")


def dotted(key: KeyPath) -> str:
    """The key as it is written in TOML, with indices: `differences[1].path`."""
    text = ""
    for one in key:
        if isinstance(one, int):
            text += f"[{one}]"
        else:
            bare = one if _BARE.fullmatch(one) else json.dumps(one, ensure_ascii=False)
            text += f".{bare}" if text else bare
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word as advice, or nothing where none is near."""
    near = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""


def in_words(value: Any, *, secretive: bool = False) -> str:
    """What stands there, short enough for one line; of a string only that, when it may be a secret."""
    names = {dict: "a table", list: "an array", bool: "a boolean", int: "an integer", float: "a float", str: "a string"}
    name = names.get(type(value), "nothing" if value is None else type(value).__name__)
    if isinstance(value, dict | list) or value is None or (secretive and isinstance(value, str)):
        return name
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return f"{name} beyond 64 bits"
    text = json.dumps(value, ensure_ascii=False)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({name})"


def _pattern(_validator: Validator, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    # ECMA-262, which JSON Schema asks for: `$` is the very end, and never before a last newline as in Python.
    if isinstance(instance, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), instance):
        yield ValidationError(f"does not match {pattern}")


_STRICT: type[Validator] = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


@cache
def _validator(name: str) -> Validator:
    schema = json.loads(files("envparity").joinpath("schemas", name).read_text(encoding="utf-8"))
    return _STRICT(schema, format_checker=FormatChecker(["date"]))


def schema_mistakes(document: Document, schema: str) -> list[Mistake]:
    """Everything that the schema of that file name (in `envparity/schemas`) says against the document."""
    found = {one for error in _validator(schema).iter_errors(document.data) for one in _mistakes(document, error)}
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


def _expected(rule: str, value: Any, schema: Mapping[str, Any]) -> str:
    types: Sequence[str] = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    phrases = {
        "type": " or ".join(_TYPES.get(one, one) for one in types),
        "minimum": f"at least {value}",
        "exclusiveMinimum": f"more than {value}",
        "maximum": f"at most {value}",
        "minLength": "a string that is not empty",
        "minItems": f"at least {value} of them",
        "minProperties": f"at least {value} key",
        "maxProperties": f"at most {value} key",
        "uniqueItems": "each of them once",
        "format": f"a {value} such as 2031-12-31",
    }
    return phrases.get(rule) or str(schema.get("description", f"what the schema's {rule} says"))


def _purpose(schema: Mapping[str, Any], expected: str) -> str:
    """What the key is for, as advice, unless it has been said already."""
    purpose = str(schema.get("description", ""))
    return "" if purpose == expected else purpose
