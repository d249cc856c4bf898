"""Where a chart says what was rendered of it: the line of a template that writes it, or that of its values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from envparity.errors import ConfigurationError
from envparity.sources.helm_templates import Template, Written
from envparity.sources.yaml_nodes import Node, documents
from envparity.support.toml.bounds import bounded_text

__all__ = ["Chart", "charts_near", "sources_of"]

_DEPTH: Final = 4
_SOURCE: Final = re.compile(r"^# Source: (?P<chart>[^/\s]+)/(?P<file>\S+)[ \t]*$")
_VALUE: Final = re.compile(r"\$?\.Values((?:\.[A-Za-z0-9_-]+)+)")
_WHOLE: Final = re.compile(r"[\"']?\{\{.*\}\}[\"']?")


def sources_of(content: str) -> dict[int, tuple[str, str]]:
    """What the comments of `helm template` say, by their lines: the chart, and the file below it."""
    lines = enumerate(content.splitlines(), start=1)
    found = ((number, _SOURCE.match(line)) for number, line in lines if line.startswith("# Source: "))
    return {number: (match["chart"], match["file"]) for number, match in found if match is not None}


def charts_near(path: Path) -> dict[str, Chart]:
    """The charts of the project in which a rendered file stands, by their names; of a name that two have none.

    Nobody says what it was rendered with: every file of values beside a chart's own may be it.
    """
    here = Path.cwd()
    root = here if not path.is_file() or path.resolve().is_relative_to(here.resolve()) else path.parent
    found: dict[str, list[Path]] = {}
    for depth in range(_DEPTH):
        for file in sorted(root.glob("*/" * depth + "Chart.yaml")):
            name = next((document.text_at("name") for document in _read(file)), None)
            if name is not None and "charts" not in file.relative_to(root).parts[1:-2]:
                found.setdefault(name, []).append(file.parent)
    return {
        name: Chart(folders[0], tuple(sorted(folders[0].glob("values?*.y*ml"))), sure=False)
        for name, folders in found.items()
        if len(folders) == 1
    }


@dataclass(frozen=True)
class Chart:
    """A chart's folder, and the files of values that it is rendered with beside its own; `sure`: with all of them."""

    folder: Path
    values: tuple[Path, ...] = ()
    sure: bool = True

    def placed(self, rendered: Node, file: str) -> Node:
        """An object with each value where the chart says it; `file` is what it was rendered of, "" where that is not
        known. What nothing says stands where the object begins.
        """
        template = self.folder / file
        named = bool(file) and template.is_file()
        lines = self._template(template).of_kind(rendered.text_at("kind") or "") if named else ()
        first = min((each.line for each in lines), default=1)
        start = (template, first) if named else (self.folder / "Chart.yaml", 1)
        return _Placing(template, lines, tuple(self._said(file)), self.sure).placed(rendered, (), (), start)

    @staticmethod
    def _template(path: Path) -> Template:
        return Template(bounded_text(path))

    def _said(self, file: str) -> Iterator[Node]:
        """Its values, those that go over others last; of a chart that it depends on what is said for that."""
        inner = re.match(r"charts/([^/]+)/", file)
        if inner is not None:
            yield from _read(self.folder / "charts" / inner[1] / "values.yaml")
        for path in (self.folder / "values.yaml", *self.values):
            for whole in _read(path):
                part = whole.at(inner[1]) if inner is not None else whole
                if part is not None:
                    yield part


def _read(path: Path) -> list[Node]:
    try:
        return documents(path) if path.is_file() else []
    except (ConfigurationError, OSError, UnicodeDecodeError):
        return []  # whoever renders it says so


@dataclass(frozen=True)
class _Placing:
    template: Path
    lines: Sequence[Written]
    values: tuple[Node, ...]
    sure: bool

    def placed(self, node: Node, way: tuple[str | int, ...], names: tuple[str, ...], around: tuple[Path, int]) -> Node:
        """The value at its place, with all below it; where nothing says it, it is at that `around` it."""
        place = self._place(node, way, names) if way else None
        path, line = place or around
        value = node.value
        if isinstance(value, dict):
            value = {key: self.placed(at, (*way, key), (*names, ""), (path, line)) for key, at in value.items()}
            of_variable = value.get("value") if "name" in value else None
            if of_variable is not None:  # what is named in a list is where its value is said
                path, line = of_variable.place
        elif isinstance(value, list):
            value = [
                self.placed(item, (*way, at), (*names, item.text_at("name") or ""), (path, line))
                for at, item in enumerate(value)
            ]
        return replace(node, value=value, path=path, line=line)

    def _place(self, node: Node, way: tuple[str | int, ...], names: tuple[str, ...]) -> tuple[Path, int] | None:
        scored = [(each, each.unnamed(way, names)) for each in self.lines]
        least = min((count for _, count in scored if count is not None), default=0)
        found = [each for each, count in scored if count == least]
        for each in found:
            if node.text is not None and (said := self._behind(each.said, node.text)) is not None:
                return said.place
        exact = [each for each in found if node.text is not None and each.said.strip().strip("\"'") == node.text]
        own = exact or [each for each in found if not each.is_of_any]
        if own:
            return self.template, own[0].line
        return self._in_values(node, way, names) or ((self.template, found[0].line) if found else None)

    def _behind(self, said: str, text: str) -> Node | None:
        """The value that a line takes as it is; None where it takes none, or makes something else of it."""
        taken = [match[1][1:].split(".") for match in _VALUE.finditer(said)]
        if not taken or _WHOLE.fullmatch(said.strip()) is None:
            return None
        found = (whole.at(*keys) for whole in reversed(self.values) for keys in taken)
        same = [node for node in found if node is not None and node.text == text]
        return same[0] if same and (self.sure or len(same) == 1) else None

    def _in_values(self, node: Node, way: tuple[str | int, ...], names: tuple[str, ...]) -> tuple[Path, int] | None:
        """Where a template writes values as they are, in whole tables or one after another: by their last keys."""
        if node.text is None:
            return None
        keys = [name or str(key) for key, name in zip(way, names, strict=True) if name or isinstance(key, str)]
        of_variable = len(way) > 1 and way[-1] == "value" and names[-2]
        wanted = [keys, keys[:-1]] if of_variable else [keys]
        # What Kubernetes calls its fields is said of other things, too: one such name alone says nothing.
        least = 1 if of_variable or way[0] == "data" else 2
        best: dict[tuple[str, ...], Node] = {}
        length = 0
        for under, leaf in (found for whole in self.values for found in self._leaves(whole)):
            same = max(_alike(under, each) for each in wanted)
            if leaf.text != node.text or same < max(least, length):
                continue
            best = best if same == length else {}
            length = same
            best[under] = leaf
        return next(iter(best.values())).place if len(best) == 1 else None

    @cached_property
    def _known(self) -> dict[int, list[tuple[tuple[str, ...], Node]]]:
        return {id(whole): list(_leaves(whole, ())) for whole in self.values}

    def _leaves(self, whole: Node) -> list[tuple[tuple[str, ...], Node]]:
        return self._known[id(whole)]


def _leaves(node: Node, way: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Node]]:
    """The texts below it by their keys; an element of a list by its name, where it has one."""
    if isinstance(node.value, dict):
        for key, at in node.value.items():
            yield from _leaves(at, (*way, key))
    elif isinstance(node.value, list):
        for item in node.value:
            name = item.text_at("name")
            yield from _leaves(item, (*way, name) if name else way)
    elif node.text is not None:
        yield way, node


def _alike(here: Sequence[str], there: Sequence[str]) -> int:
    """How many of their last keys are the same."""
    count = 0
    for mine, other in zip(reversed(here), reversed(there), strict=False):
        if mine != other:
            break
        count += 1
    return count
