"""The line of every key in a TOML document: the standard library's parser gives the values alone."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Mapping

__all__ = ["KeyPath", "key_lines"]

KeyPath = tuple[str | int, ...]  # ("scenario", 2, "steps", 0, "connect"): keys, and 0-based indices into arrays

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]*")


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """The 1-based line of every key, table and array item of `text`, which the TOML parser must have accepted already.

    A key that stands in several places (a table and its parts) has the line of the first.
    Source of the grammar: TOML 1.0.0.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


class _Scanner:
    """Walks a valid document once. It checks nothing: what it reads has been parsed before."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._table_counts: dict[KeyPath, int] = {}
        self._newlines = [match.start() for match in re.finditer("\n", text)]

    def document(self) -> None:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._assignment(table)
            self._skip(_BLANK)

    def _header(self) -> KeyPath:
        line = self._line()
        brackets = 2 if self.text.startswith("[[", self.at) else 1
        self.at += brackets
        keys = self._dotted_key()
        self.at += brackets
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self._inside((*path, key))
        path = (*path, keys[-1])
        self._note(path, line)
        if brackets == 1:
            return path
        self._table_counts[path] = self._table_counts.get(path, 0) + 1
        path = self._inside(path)
        self._note(path, line)
        return path

    def _inside(self, path: KeyPath) -> KeyPath:
        """Where further keys go: into the last table so far, when the path is an array of tables."""
        count = self._table_counts.get(path)
        return path if count is None else (*path, count - 1)

    def _assignment(self, table: KeyPath) -> None:
        line = self._line()
        path = (*table, *self._dotted_key())
        self._note(path, line)
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        opening = self.text[self.at]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            self._skip(_STRING if opening in "\"'" else _SCALAR)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        self._skip_separators()
        while self.text[self.at] != "]":
            self._note((*path, index), self._line())
            self._value((*path, index))
            index += 1
            self._skip_separators()
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        self._skip_separators()
        while self.text[self.at] != "}":
            self._assignment(path)
            self._skip_separators()
        self.at += 1

    def _dotted_key(self) -> tuple[str, ...]:
        keys = []
        while True:
            self._skip(_SPACE)
            start = self.at
            quoted = self.text[start] in "\"'"
            self._skip(_STRING if quoted else _BARE_KEY)
            literal = self.text[start : self.at]
            keys.append(str(tomllib.loads(f"key = {literal}")["key"]) if quoted else literal)
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return tuple(keys)
            self.at += 1

    def _skip_separators(self) -> None:
        self._skip(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
            self._skip(_BLANK)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()

    def _line(self) -> int:
        return bisect_right(self._newlines, self.at - 1) + 1

    def _note(self, path: KeyPath, line: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)
