"""YAML as a tree of texts that know their file and line, whatever was merged or referred to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from envparity.errors import ConfigurationError, Mistake
from envparity.support.toml.bounds import DEEPEST, LONGEST, bounded_content
from envparity.support.toml.document import in_words, shown_path

__all__ = ["Node", "documents", "wrong"]

_MOST_VALUES = 200_000
_DEEPEST_FAST = 2_000
_INDENTED = re.compile(r"^[ \t?:-]+", re.MULTILINE)  # what may open a value each
_MERGE = "tag:yaml.org,2002:merge"
_MERGING = frozenset({"!reset", "!override"})
_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True)
class Node:
    """One value and where it stands: a mapping, a sequence, the text of a scalar as it is written, or None for null.

    `tag` is one of its own that says how it is merged: `!reset`, `!override`.
    """

    value: dict[str, Node] | list[Node] | str | None
    path: Path
    line: int
    tag: str = ""

    @property
    def place(self) -> tuple[Path, int]:
        """Its file and line."""
        return self.path, self.line

    @property
    def text(self) -> str | None:
        """The text of a scalar; None for what is none."""
        return self.value if isinstance(self.value, str) else None

    @property
    def table(self) -> dict[str, Node]:
        """The mapping; an empty one for what is none."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The sequence; for a scalar the sequence of that alone, for what is neither an empty one."""
        if isinstance(self.value, list):
            return self.value
        return [self] if isinstance(self.value, str) else []

    @property
    def data(self) -> object:
        """The value without its places."""
        if isinstance(self.value, dict):
            return {key: under.data for key, under in self.value.items()}
        return [item.data for item in self.value] if isinstance(self.value, list) else self.value

    def at(self, *keys: str) -> Node | None:
        """The value below these keys; None where there is none, and for null."""
        found: Node | None = self
        for key in keys:
            found = found.table.get(key) if found is not None else None
        return None if found is None or found.value is None else found

    def text_at(self, *keys: str) -> str | None:
        """The text below these keys; None where there is none."""
        found = self.at(*keys)
        return None if found is None else found.text


def wrong(node: Node, key: str, expected: str, got: str, action: str = "") -> ConfigurationError:
    """The error of one mistake at that value."""
    return ConfigurationError([Mistake(shown_path(node.path), node.line, key, expected, got, action)])


def documents(path: Path, content: bytes | None = None) -> list[Node]:
    """The documents of a YAML file, or of that content. Raises `ConfigurationError` for what is none or beyond bounds,
    and `OSError`.
    """
    content, shown = bounded_content(path) if content is None else content, shown_path(path)
    if content is None:
        expected = f"a plain file of at most {LONGEST // 1024**2} MiB"
        raise ConfigurationError([Mistake(shown, 0, "(file)", expected, "none", "split it, or name another")])
    loader = None
    try:
        text = content.decode("utf-8-sig")
        read = _read_fast(path, text)
        if read is not None:
            return read
        loader = yaml.SafeLoader(text)
        return list(_Building(path, loader).documents())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 0
        got = error.problem or "something else"
        raise ConfigurationError([Mistake(shown, line, "(file)", "valid YAML", got, "correct the syntax")]) from None
    except yaml.YAMLError:
        raise ConfigurationError([Mistake(shown, 0, "(file)", "valid YAML", "something else")]) from None
    except RecursionError:
        got = "deeper ones"
        raise ConfigurationError([Mistake(shown, 0, "(file)", f"values at most {DEEPEST} deep", got)]) from None
    finally:
        if loader is not None:
            loader.dispose()


def _read_fast(path: Path, text: str) -> list[Node] | None:
    """The documents as libyaml reads them; None where it is not there, where it finds something wrong, which the other
    loader tells in its own words, and where values may be nested deeper than its stack bears.
    """
    fast = getattr(yaml, "CSafeLoader", None)
    openings = text.count("[") + text.count("{")
    indented = max((len(match[0]) for match in _INDENTED.finditer(text)), default=0)
    if fast is None or openings + indented > _DEEPEST_FAST:
        return None
    loader = fast(text)
    try:
        return list(_Building(path, loader).documents())
    except yaml.YAMLError:
        return None
    finally:
        loader.dispose()


class _Building:
    def __init__(self, path: Path, loader: yaml.SafeLoader) -> None:
        self._path, self._loader, self._count = path, loader, 0
        self._sizes: dict[int, tuple[yaml.MappingNode, int]] = {}
        self._flat: dict[int, tuple[yaml.MappingNode, list[tuple[yaml.Node, yaml.Node]]]] = {}

    def documents(self) -> Iterator[Node]:
        while self._loader.check_node():
            found = self._loader.get_node()
            if found is not None:
                yield self._node(found, 0)

    def _node(self, node: yaml.Node, depth: int) -> Node:
        line = node.start_mark.line + 1
        tag = node.tag if node.tag in _MERGING else ""
        self._count += 1
        if depth > DEEPEST or self._count > _MOST_VALUES:
            expected = f"at most {_MOST_VALUES} values, nested at most {DEEPEST} deep"
            raise ConfigurationError([Mistake(shown_path(self._path), line, "(file)", expected, "more")])
        if isinstance(node, yaml.MappingNode):
            if self._merged(node) > _MOST_VALUES:
                raise self._wrong(node, f"at most {_MOST_VALUES} values, with what `<<` merges", "more")
            table = {}
            for key, value in self._pairs(node):
                if not isinstance(key, yaml.ScalarNode):
                    raise self._wrong(key, "keys that are texts", "another")
                made = self._node(value, depth + 1)
                # where the key stands, for a block begins a line below it
                table[key.value] = Node(made.value, self._path, key.start_mark.line + 1, made.tag)
            return Node(table, self._path, line, tag)
        if isinstance(node, yaml.SequenceNode):
            return Node([self._node(value, depth + 1) for value in node.value], self._path, line, tag)
        if tag:
            return Node(str(node.value) if tag == "!override" else None, self._path, line, tag)
        if node.tag.startswith("!") and node.tag != "!":
            raise self._wrong(node, "values without a tag of their own", in_words(node.tag))
        return Node(None if node.tag == _NULL else str(node.value), self._path, line)

    def _pairs(self, node: yaml.MappingNode) -> list[tuple[yaml.Node, yaml.Node]]:
        """Its keys over those that it merges, of which the first that says one counts, as YAML has it.

        The library itself has not: since 6.0.4 it takes keys for the same that are one object, not one text.
        """
        if id(node) in self._flat:
            return self._flat[id(node)][1]
        own: list[tuple[yaml.Node, yaml.Node]] = []
        merged: dict[object, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag != _MERGE:
                own.append((key, value))
                continue
            for under in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if not isinstance(under, yaml.MappingNode):
                    raise self._wrong(under, "mappings for `<<` to merge", "another value")
                for pair in self._pairs(under):
                    merged.setdefault(pair[0].value if isinstance(pair[0], yaml.ScalarNode) else id(pair[0]), pair)
        pairs = [*merged.values(), *own]
        self._flat[id(node)] = node, pairs
        return pairs

    def _merged(self, node: yaml.MappingNode) -> int:
        """How many keys it has with what it merges, each as often as it is merged: before any of it is merged."""
        if id(node) not in self._sizes:
            count = 0
            for key, value in node.value:
                merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
                under = [item for item in merged if isinstance(item, yaml.MappingNode)] if key.tag == _MERGE else []
                count += 1 + sum(map(self._merged, under))
            self._sizes[id(node)] = node, count
        return self._sizes[id(node)][1]

    def _wrong(self, node: yaml.Node, expected: str, got: str) -> ConfigurationError:
        return ConfigurationError([Mistake(shown_path(self._path), node.start_mark.line + 1, "(file)", expected, got)])
