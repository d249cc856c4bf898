"""A YAML or JSON file within bounds: what it holds, and the line of every place in it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml

from envparity.support.toml.bounds import LONGEST, bounded_content

__all__ = ["Unreadable", "escaped", "read_yaml", "shortened"]

_SHOWN = 200
_DEEPEST = 100
_MOST_VALUES = 200_000


class Unreadable(Exception):
    """A file that is none of these, is too long, or holds too much: what was expected, what is there, and the line."""

    def __init__(self, expected: str, got: str, line: int = 0) -> None:
        super().__init__(expected, got, line)
        self.expected, self.got, self.line = expected, got, line


def read_yaml(path: Path) -> tuple[object, dict[str, int]]:
    """What the file holds, and the 1-based line of each JSON Pointer (RFC 6901) in it. Raises `Unreadable`."""
    try:
        text = _text(path)
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        _check_size(node)
        return None if node is None else loader.construct_document(node), dict(_lines(node))
    except OSError as error:
        raise Unreadable("a file that can be read", error.strerror or type(error).__name__) from None
    except RecursionError:
        raise Unreadable(f"values nested at most {_DEEPEST} deep", "deeper ones") from None
    except (yaml.YAMLError, ValueError) as error:  # a date that is none is a ValueError, and so is a number too long
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        raise Unreadable("YAML", shortened(str(error)), mark.line + 1 if mark is not None else 0) from None


def _text(path: Path) -> str:
    content = bounded_content(path)
    if content is None:
        raise ValueError(f"a file of at most {LONGEST // 1024**2} MiB is read, and no device")
    return content.decode("utf-8")


def escaped(key: object) -> str:
    """A key as a part of a JSON Pointer."""
    return str(key).replace("~", "~0").replace("/", "~1")


def shortened(text: str) -> str:
    """A message that may quote what is long."""
    return textwrap.shorten(text, _SHOWN, placeholder=" …")


def _check_size(node: yaml.Node | None) -> None:
    """Raise `ValueError` for a document that is too deep or too large once its aliases are written out.

    An alias of what it stands in makes it endlessly deep; aliases of aliases make it large.
    """
    waiting = [(node, 0)]
    count = 0
    while waiting:
        held, depth = waiting.pop()
        count += 1
        if depth > _DEEPEST:
            raise ValueError(f"nested more than {_DEEPEST} deep, with its aliases written out")
        if count > _MOST_VALUES:
            raise ValueError(f"more than {_MOST_VALUES:,} values, with its aliases written out")
        if isinstance(held, yaml.MappingNode):
            waiting += [(part, depth + 1) for pair in held.value for part in pair]
        elif isinstance(held, yaml.SequenceNode):
            waiting += [(part, depth + 1) for part in held.value]


def _lines(node: yaml.Node | None, pointer: str = "") -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            below = f"{pointer}/{escaped(name.value)}"
            yield below, name.start_mark.line + 1
            yield from _lines(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            below = f"{pointer}/{index}"
            yield below, value.start_mark.line + 1
            yield from _lines(value, below)
