"""Templates of a chart as far as lines say it: which key each line writes, below which keys, and what stands behind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

__all__ = ["Item", "Template", "Written"]

_LINE: Final = re.compile(
    r"(?P<indent> *)(?P<item>- +)?(?P<key>[A-Za-z0-9_./-]+|\"[^\"]+\"|'[^']+') *:(?: +(?P<said>.*))?$"
)
_BARE_ITEM: Final = re.compile(r"(?P<indent> *)- +(?P<said>.*)$")
_PAIR: Final = re.compile(r"(?P<key>[A-Za-z0-9_-]+): +(?P<said>(?:\{\{.*?\}\}|[^,{}])+)")
_COMMENT: Final = re.compile(r"(?:^|\s)#.*$")


@dataclass(eq=False)
class Item:
    """An element of a list, with the name that the template gives it; "" for one that it does not write out."""

    name: str = ""


@dataclass(frozen=True)
class Written:
    """A line that writes a key: its document in the file, the keys and list elements that it stands below, and what is
    said behind it.
    """

    line: int
    document: int
    way: tuple[str | Item, ...]
    said: str

    def unnamed(self, way: tuple[str | int, ...], names: tuple[str, ...]) -> int | None:
        """Of how many list elements it does not write out the name, where it may write what was rendered there; `names`
        are theirs, "" for what is none. None: it does not.
        """
        if len(way) != len(self.way):
            return None
        count = 0
        for here, key, name in zip(self.way, way, names, strict=True):
            if (here.name not in {"", name}) if isinstance(here, Item) else here != key:
                return None
            count += isinstance(here, Item) and here.name != name
        return count

    @property
    def is_of_any(self) -> bool:
        """Whether it writes the same of several list elements, or of one with a name that is made."""
        inner = next((part for part in reversed(self.way) if isinstance(part, Item)), None)
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
    document, stack = 0, list[tuple[int, str | Item]]()
    for number, whole in enumerate(text.splitlines(), start=1):
        line = _COMMENT.sub("", whole).rstrip()
        if line.startswith("---"):
            document, stack = document + 1, []
            continue
        found = _LINE.match(line) or _BARE_ITEM.match(line)
        if found is None:
            continue
        indent, said = len(found["indent"]), found["said"] or ""
        key = found.groupdict().get("key")
        if key is None or found["item"]:
            while stack and (stack[-1][0] > indent or (stack[-1][0] == indent and isinstance(stack[-1][1], Item))):
                stack.pop()
            stack.append((indent, Item()))
        if key is None:
            way = tuple(part for _, part in stack)
            yield Written(number, document, way, said)
            for pair in _PAIR.finditer(said) if said.startswith("{") and not said.startswith("{{") else ():
                if pair["key"] == "name" and "{{" not in pair["said"] and isinstance(way[-1], Item):
                    way[-1].name = _literal(pair["said"])
                yield Written(number, document, (*way, pair["key"]), pair["said"])
            continue
        if found["item"]:
            yield Written(number, document, tuple(part for _, part in stack), "")
        column = indent + len(found["item"] or "")
        while stack and stack[-1][0] >= column:
            stack.pop()
        key, inside = key.strip("\"'"), stack[-1][1] if stack else ""
        if isinstance(inside, Item) and key == "name" and "{{" not in said:
            inside.name = _literal(said)
        stack.append((column, key))
        yield Written(number, document, tuple(part for _, part in stack), said)


def _literal(said: str) -> str:
    return said.strip().strip("\"'")
