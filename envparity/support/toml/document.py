"""A TOML document that knows its lines, and what a JSON Schema says against it: every mistake, in words."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any

from envparity.errors import ConfigurationError, Mistake
from envparity.support.redaction import without_shapes
from envparity.support.toml.bounds import DEEPEST, LONGEST, bounded_content, line_of_a_deep_key, too_deep_at
from envparity.support.toml.lines import KeyPath, key_lines
from envparity.support.toml.meant import did_you_mean

__all__ = [
    "Document",
    "did_you_mean",
    "dotted",
    "in_words",
    "is_there",
    "read_document",
    "shown_path",
    "unfit_for_a_process",
]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_AT_LINE = re.compile(r"\s*\(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_WITHOUT_LAST = re.compile(r"(?:\[\d+\]|\.[^.\[]*|^[^.\[]*)$")
_INT64 = 2**63
_LONGEST_VARIABLE = 130_000
"""Bytes; Linux takes 128 KiB for a variable with its name."""


@dataclass(frozen=True)
class Document:
    """One parsed TOML file. `data` holds only JSON types: dates and times are ISO 8601 strings.

    `places` are the files, as people know them, and lines of the keys whose values came from other files.
    """

    source: str  # the path as people know it
    path: Path
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]
    places: Mapping[KeyPath, tuple[str, int]] = field(default_factory=dict)

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
        """A mistake at that key of this document, or of the file that its value came from."""
        return Mistake(*self.place(key), dotted(key) or "(document)", expected, got, action)

    def place(self, key: KeyPath) -> tuple[str, int]:
        """The file and line of that key's value, wherever it came from; of a table around it where it has none."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.places:
                return self.places[key[:length]]
            if key[:length] in self.lines:
                break
        return self.source, self.line(key)

    def table(self, *key: str) -> dict[str, Any]:
        """The table at that key; empty when there is none or something else stands there (the schema says so)."""
        found: object = self.data
        for text in key:
            found = found.get(text) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def tables(self, key: str) -> list[dict[str, Any]]:
        """The tables of the array at that key, an empty one for each item that is no table, so that indices hold."""
        found = self.data.get(key)
        return [value if isinstance(value, dict) else {} for value in found] if isinstance(found, list) else []


def shown_path(path: Path) -> str:
    """The path as people know it: relative to the working directory when it lies below it."""
    try:
        return path.relative_to(Path.cwd()).as_posix() if path.is_absolute() else str(path)
    except ValueError:
        return str(path)


def read_document(path: Path) -> tuple[Document | None, list[Mistake]]:
    """Read and parse one file. What cannot be read or parsed is a `Mistake`, never an exception."""
    source = shown_path(path)
    try:
        text = _text(path, source)
        data, lines = _parsed(text, source)
    except ConfigurationError as wrong:
        return None, list(wrong.mistakes)
    document = Document(source, path, _as_json(data), lines)
    return document, list(_unrepresentable(document, (), document.data))


def _failed(source: str, line: int, expected: str, got: str, action: str) -> ConfigurationError:
    return ConfigurationError([Mistake(source, line, "(file)", expected, got, action)])


def _text(path: Path, source: str) -> str:
    """What the file says. Raises `ConfigurationError` for one that cannot be read, or is too long to be."""
    try:
        content = bounded_content(path)
    except FileNotFoundError:
        near = did_you_mean(path.name, (each_path.name for each_path in path.parent.glob("*.toml")))
        raise _failed(source, 0, "a TOML file", "no such file", near or "check the path") from None
    except OSError as error:
        got = error.strerror or type(error).__name__
        raise _failed(source, 0, "a TOML file", got, "check the path and its permissions") from None
    if content is None:
        expected = f"a plain file of at most {LONGEST // 1024**2} MiB"
        raise _failed(source, 0, expected, "none", "split it, or name another")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _failed(
            source, line, "UTF-8 text", f"byte {content[error.start]:#04x}", "save the file as UTF-8"
        ) from None


def _parsed(text: str, source: str) -> tuple[dict[str, object], Mapping[KeyPath, int]]:
    """Its values, and the line of each. Raises `ConfigurationError` for no TOML, and for what is nested too deeply."""
    line = line_of_a_deep_key(text)
    if line:
        raise _failed(source, line, f"keys of at most {DEEPEST} parts", "a longer one", "nest less")
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise _failed(source, 0, "a TOML document", "one nested too deeply", "nest less") from None
    except ValueError as error:  # TOMLDecodeError, and an integer of more digits than Python reads
        place = _AT_LINE.search(str(error))
        at_end = text.count("\n") + (not text.endswith("\n"))
        line = (int(place["line"]) if place["line"] else at_end) if place else 0
        raise _failed(source, line, "valid TOML 1.0", _AT_LINE.sub("", str(error)), "correct the syntax") from None
    lines = key_lines(text)
    deep = too_deep_at(data)
    if deep is not None:
        line = next((lines[deep[:n]] for n in range(len(deep), 0, -1) if deep[:n] in lines), 0)
        raise _failed(source, line, f"values nested at most {DEEPEST} deep", "deeper ones", "nest less")
    return data, lines


def _as_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_json(under) for key, under in value.items()}
    if isinstance(value, list):
        return [_as_json(each_value) for each_value in value]
    return value.isoformat() if isinstance(value, date | datetime | time) else value


def _unrepresentable(document: Document, key: KeyPath, value: object) -> Iterator[Mistake]:
    """Numbers that parse but are none: infinite, not a number, beyond 64 bits. No schema keyword refuses them."""
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _unrepresentable(document, (*key, name), item)
    elif isinstance(value, float) and not math.isfinite(value):
        yield document.mistake(key, "a finite number", str(value))
    elif isinstance(value, int) and not -_INT64 <= value < _INT64:
        yield document.mistake(key, "an integer of 64 bits", "a larger one")


def dotted(key: KeyPath) -> str:
    """The key as it is written in TOML, with indices: `differences[1].path`."""
    text = ""
    for value in key:
        if isinstance(value, int):
            text += f"[{value}]"
        else:
            bare = value if _BARE.fullmatch(value) else json.dumps(value, ensure_ascii=False)
            text += f".{bare}" if text else bare
    return text


def is_there(path: Path, *, folder: bool = False) -> bool:
    """Whether that is a file, or a folder; what no path can be (a zero byte, too long) is none."""
    try:
        return path.is_dir() if folder else path.is_file()
    except (OSError, ValueError):
        return False


def unfit_for_a_process(value: object) -> str:
    """Why no process environment can hold that text; "" where one can, and for what is no text."""
    if not isinstance(value, str):
        return ""
    if "\0" in value:
        return "a zero byte"
    size = len(value.encode())
    return f"{size} bytes, of which Linux takes {_LONGEST_VARIABLE}" if size > _LONGEST_VARIABLE else ""


def in_words(value: object, *, secretive: bool = False) -> str:
    """What stands there, short enough for one line; of a string only that, when it may be a secret."""
    names = {dict: "a table", list: "an array", bool: "a boolean", int: "an integer", float: "a float", str: "a string"}
    name = names.get(type(value), "nothing" if value is None else type(value).__name__)
    if isinstance(value, dict | list) or value is None or (secretive and isinstance(value, str)):
        return name
    if isinstance(value, int) and not -_INT64 <= value < _INT64:
        return f"{name} beyond 64 bits"
    text = json.dumps(without_shapes(value) if isinstance(value, str) else value, ensure_ascii=False)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({name})"
