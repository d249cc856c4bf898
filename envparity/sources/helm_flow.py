"""Flow style in a template of a chart: `[{name: A, value: {{ .Values.a }}}]`, as what it writes below each key."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

__all__ = ["FlowValue", "ListElement", "is_flow", "values_of_flow", "whole_flow"]

_DEEPEST: Final = 40
_MOST_LINES: Final = 200
_CLOSING: Final = {"{": "}", "[": "]"}


@dataclass(eq=False)
class ListElement:
    """An element of a list, with the name that the template gives it; "" for one that it does not write out."""

    name: str = ""


@dataclass(frozen=True)
class FlowValue:
    """What stands in flow style: how many lines below its first, the keys and list elements that it is below, and its
    text; "" for what is a list or a mapping itself.
    """

    below: int
    way: tuple[str | ListElement, ...]
    said: str


def is_flow(said: str) -> bool:
    """Whether a value is written in flow style; an expression of the template is not."""
    return said.startswith("[") or (said.startswith("{") and not said.startswith("{{"))


def whole_flow(lines: Sequence[str]) -> str:
    """The value that begins in the first of the lines, with all that it goes on over; that line alone, where it does
    not end.
    """
    depth = 0
    for count, line in enumerate(lines[:_MOST_LINES], start=1):
        depth += _opened(line)
        if depth <= 0:
            return "\n".join(lines[:count])
    return lines[0]


@lru_cache(maxsize=4 * _MOST_LINES)
def _opened(line: str) -> int:
    """How many more lists and mappings it opens than it closes."""
    depth, at = 0, 0
    while at < len(line):
        end = _end_of_opaque(line, at)
        if end == at:
            depth += (line[at] in "{[") - (line[at] in "}]")
            end += 1
        at = end
    return depth


def _end_of_opaque(text: str, at: int) -> int:
    """Where an expression of the template, or a text in quotes, that begins there ends; the same where none begins."""
    if text.startswith("{{", at):
        end = text.find("}}", at)
        return len(text) if end < 0 else end + 2
    if text[at] in "\"'":
        end = text.find(text[at], at + 1)
        return len(text) if end < 0 else end + 1
    return at


def values_of_flow(text: str, way: tuple[str | ListElement, ...]) -> Iterator[FlowValue]:
    """What a value in flow style writes, below the keys and list elements that it stands under itself."""
    inside = way[-1] if way else ""
    yield from _Flow(text).below(way, inside if isinstance(inside, ListElement) else None, 0)


@dataclass
class _Flow:
    text: str
    at: int = 0
    ends: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.ends = [at for at, letter in enumerate(self.text) if letter == "\n"]

    def below(self, way: tuple[str | ListElement, ...], element: ListElement | None, depth: int) -> Iterator[FlowValue]:
        """All that the list or mapping that begins here writes; `element` is what that is itself, of a list."""
        opened = self.text[self.at]
        self.at += 1
        while self._skipped(" \t\r\n,") and self.text[self.at] != _CLOSING[opened]:
            start, inside = self.at, ListElement()
            if opened == "[":
                yield from self._value((*way, inside), inside, depth)
            else:
                key = self._until(":,}").strip().strip("\"'")
                if self.text.startswith(":", self.at):
                    self.at += 1
                for value in self._value((*way, key), None, depth):
                    if element is not None and value.way == (*way, "name") and "{{" not in value.said:
                        element.name = value.said.strip("\"'")
                    yield value
            if self.at == start:
                self.at += 1  # a letter that nothing begins with
        self.at += 1

    def _value(
        self, way: tuple[str | ListElement, ...], element: ListElement | None, depth: int
    ) -> Iterator[FlowValue]:
        if not self._skipped(" \t\r\n"):
            return
        below, start = bisect_left(self.ends, self.at), self.at
        while self._skipped(" \t\r\n") and self.text.startswith("{{", self.at):
            self.at = _end_of_opaque(self.text, self.at)  # what a condition around a value says is no part of it
        if self._is_open() and depth < _DEEPEST:
            yield FlowValue(below, way, "")
            yield from self.below(way, element, depth + 1)
            return
        self.at = start
        yield FlowValue(below, way, self._until(",}]").strip())

    def _is_open(self) -> bool:
        return self.at < len(self.text) and self.text[self.at] in _CLOSING

    def _until(self, ends: str) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in ends:
            self.at = max(_end_of_opaque(self.text, self.at), self.at + 1)
        return self.text[start : self.at]

    def _skipped(self, letters: str) -> bool:
        """Whether there is more behind these letters."""
        while self.at < len(self.text) and self.text[self.at] in letters:
            self.at += 1
        return self.at < len(self.text)
