"""Lines of text for people: wrapped, indented, and safe to print whatever a backend logged."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Literal, NamedTuple

from envparity.support.printable import printable

__all__ = ["Line", "Span", "Style", "field", "line", "printable"]

Style = Literal["", "clean", "red", "code", "label", "quote", "command"]

_LABEL_WIDTH = 13


class Span(NamedTuple):
    """A piece of a line in one style. What a style looks like is the terminal's business."""

    text: str
    style: Style = ""


class Line(tuple[Span, ...]):
    """One line of output. `str(line)` is its text without any style."""

    __slots__ = ()

    def __str__(self) -> str:
        return "".join(span.text for span in self).rstrip()


def line(*spans: Span | str) -> Line:
    """A line of these pieces; a bare string has no style."""
    return Line(Span(span) if isinstance(span, str) else span for span in spans)


def field(
    label: str, text: str, *, width: int, style: Style = "", mark: str = "", bullet: bool = False
) -> Iterator[Line]:
    """`  label       text`, wrapped to `width` columns with the text hanging under itself.

    Only white space is a place to break at: a word that is too long stands whole and sticks out, so that nothing is
    cut off and what is quoted can be copied. A command is one word. `mark` stands before every line of the text, or
    only before the first where it is a `bullet`.
    """
    indent = 2 + _LABEL_WIDTH
    head = f"  {label:<{_LABEL_WIDTH - 1}} "
    room = max(20, width - len(head) - len(mark))
    for piece in _pieces(printable(text), room, whole=style == "command"):
        yield line(Span(head, "label"), Span(mark, "label"), Span(piece, style))
        head = " " * indent
        mark = " " * len(mark) if bullet else mark


def _pieces(text: str, room: int, *, whole: bool) -> Iterator[str]:
    for row in text.splitlines() or [""]:
        if whole or len(row) <= room:
            yield row
        else:
            yield from textwrap.wrap(row, room, break_long_words=False, break_on_hyphens=False) or [""]
