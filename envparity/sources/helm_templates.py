"""Templates of a chart as far as lines say it: which key each line writes, below which keys, and what stands behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from envparity.sources.helm_flow import ListElement, is_flow, values_of_flow, whole_flow

__all__ = ["ListElement", "Template", "Written"]

_LINE: Final = re.compile(
    r"(?P<indent> *)(?P<item>- +)?(?P<key>[A-Za-z0-9_./-]+|\"[^\"]+\"|'[^']+') *:(?: +(?P<said>.*))?$"
)
_BARE_ITEM: Final = re.compile(r"(?P<indent> *)- +(?P<said>.*)$")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*$")


@dataclass(frozen=True)
class Written:
    """A line that writes a key: its document in the file, the keys and list elements that it stands below, and what is
    said behind it.
    """

    line: int
    document: int
    way: tuple[str | ListElement, ...]
    said: str

    def unnamed(self, way: tuple[str | int, ...], names: tuple[str, ...]) -> int | None:
        """Of how many list elements it does not write out the name, where it may write what was rendered there; `names`
        are theirs, "" for what is none. None: it does not.
        """
        if len(way) != len(self.way):
            return None
        count = 0
        for here, key, name in zip(self.way, way, names, strict=True):
            if (here.name not in {"", name}) if isinstance(here, ListElement) else here != key:
                return None
            count += isinstance(here, ListElement) and here.name != name
        return count

    @property
    def is_of_any(self) -> bool:
        """Whether it writes the same of several list elements, or of one with a name that is made."""
        inner = next((part for part in reversed(self.way) if isinstance(part, ListElement)), None)
        return inner is not None and not inner.name


class Template:
    """The lines of one file that write keys."""

    def __init__(self, text: str) -> None:
        self.written = tuple(_written(text))

    def of_kind(self, kind: str) -> tuple[Written, ...]:
        """Those of the documents that are of that kind; all of them where none says so."""
        documents = {each.document for each in self.written if each.way == ("kind",) and _literal(each.said) == kind}
        return tuple(each for each in self.written if not documents or each.document in documents)


def _written(text: str) -> Iterator[Written]:
    document, stack = 0, list[tuple[int, str | ListElement]]()
    lines = [_COMMENT.sub("", line).rstrip() for line in text.splitlines()]
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.startswith("---"):
            document, stack = document + 1, []
            continue
        found = _LINE.match(line) or _BARE_ITEM.match(line)
        if found is None:
            continue
        said = found["said"] or ""
        yield from _of_line(found, number, document, stack)
        if is_flow(said):
            whole = whole_flow([said, *lines[number:]])
            for value in values_of_flow(whole, tuple(part for _, part in stack)):
                yield Written(number + value.below, document, value.way, value.said)
            number += whole.count("\n")


def _of_line(
    found: re.Match[str], number: int, document: int, stack: list[tuple[int, str | ListElement]]
) -> Iterator[Written]:
    """What a line writes itself; `stack` becomes what stands below it, with the columns."""
    indent, said = len(found["indent"]), found["said"] or ""
    key = found.groupdict().get("key")
    if key is None or found["item"]:
        while stack and (stack[-1][0] > indent or (stack[-1][0] == indent and isinstance(stack[-1][1], ListElement))):
            stack.pop()
        stack.append((indent, ListElement()))
        yield Written(number, document, tuple(part for _, part in stack), said if key is None else "")
    if key is None:
        return
    column = indent + len(found["item"] or "")
    while stack and stack[-1][0] >= column:
        stack.pop()
    key, inside = key.strip("\"'"), stack[-1][1] if stack else ""
    if isinstance(inside, ListElement) and key == "name" and "{{" not in said:
        inside.name = _literal(said)
    stack.append((column, key))
    yield Written(number, document, tuple(part for _, part in stack), said)


def _literal(said: str) -> str:
    return said.strip().strip("\"'")
