"""Where a kustomization says what its patches set: by operations of JSON Patch (RFC 6902), and by objects in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from envparity.errors import ConfigurationError
from envparity.sources.rendering import kustomization_in
from envparity.sources.yaml_nodes import Node, documents
from envparity.support.patterns import Pattern
from envparity.support.toml.bounds import bounded_content

__all__ = ["PatchOperation", "inline_objects", "operations", "with_operations"]

_SETTING: Final = frozenset({"add", "replace"})
_BLOCK: Final = re.compile(r"[|>][-+\d]*[ \t]*(#.*)?$")
_ANY: Final = ".*"
_WITHIN_S: Final = 0.05  # there is one for each patch and object


@dataclass(frozen=True)
class PatchOperation:
    """One value that is set in objects of a kind and name, both regular expressions, at the keys of a JSON Pointer."""

    kind: str
    name: str
    keys: tuple[str, ...]
    value: Node

    def is_for(self, kind: str, name: str) -> bool:
        """Whether it is one for that object."""
        try:
            asked = [Pattern(rf"\A(?:{said})\Z", _WITHIN_S) for said in (self.kind, self.name)]
        except ValueError:
            return False
        return all(pattern.search(it) for pattern, it in zip(asked, (kind, name), strict=True))


def inline_objects(folder: Path) -> Iterator[Node]:
    """The patches that are objects with what they change, and stand in the kustomization itself."""
    for _, patch in _patches(folder):
        if isinstance(patch.value, dict) and patch.path == kustomization_in(folder):
            yield patch


def operations(folder: Path) -> Iterator[PatchOperation]:
    """What its patches set by JSON Patch, and the counts of replicas that it sets by name."""
    for target, patch in _patches(folder):
        if target is None or not isinstance(patch.value, list):
            continue
        kind, name = (target.text_at(key) or _ANY for key in ("kind", "name"))
        for each in patch.items:
            value, pointer = each.at("value"), each.text_at("path") or ""
            if each.text_at("op") in _SETTING and value is not None and pointer.startswith("/"):
                yield PatchOperation(kind, name, tuple(map(_unescaped, pointer[1:].split("/"))), value)
    named = kustomization_in(folder)
    for document in documents(named) if named is not None else []:
        for each in _listed(document, "replicas"):
            count = each.at("count")
            if count is not None:
                yield PatchOperation(_ANY, re.escape(each.text_at("name") or ""), ("spec", "replicas"), count)


def with_operations(rendered: Node, said: Sequence[PatchOperation], names: Sequence[str]) -> Node:
    """What was rendered, each value at the place of the last of these operations that sets just that; `names` are those
    that it has, or had before it was renamed.
    """
    kind = rendered.text_at("kind") or ""
    for operation in said:
        if any(operation.is_for(kind, name) for name in names):
            rendered = _put(rendered, operation.keys, operation.value)
    return rendered


def _patches(folder: Path) -> Iterator[tuple[Node | None, Node]]:
    """Each patch with its target, None where it has none; of files and of texts what is in them."""
    named = kustomization_in(folder)
    for document in documents(named) if named is not None else []:
        listed = [each for key in ("patches", "patchesJson6902") for each in _listed(document, key)]
        whole = [(each.at("target"), each.at("path"), each.at("patch")) for each in listed]
        whole += [(None, None, each) for each in _listed(document, "patchesStrategicMerge")]
        for target, path, text in whole:
            for patch in _read(folder, path, text):
                yield target, patch


def _read(folder: Path, path: Node | None, text: Node | None) -> Iterator[Node]:
    """The documents of a patch; of a text with the lines at which it stands. None of what cannot be read."""
    try:
        if path is not None and path.text is not None and (folder / path.text).is_file():
            yield from documents(folder / path.text)
        elif text is not None and text.text is not None:
            by = text.line if _is_block(text) else text.line - 1
            for document in documents(text.path, text.text.encode()):
                yield _moved(document, by)
    except ConfigurationError:
        return  # whoever renders it says so


def _is_block(text: Node) -> bool:
    """Whether that text stands below its key, and not behind it."""
    lines = (bounded_content(text.path) or b"").decode(errors="replace").splitlines()
    return text.line <= len(lines) and _BLOCK.search(lines[text.line - 1]) is not None


def _moved(found: Node, by: int) -> Node:
    value = found.value
    if isinstance(value, dict):
        value = {key: _moved(at, by) for key, at in value.items()}
    elif isinstance(value, list):
        value = [_moved(at, by) for at in value]
    return replace(found, value=value, line=found.line + by)


def _listed(document: Node, key: str) -> list[Node]:
    listed = document.at(key)
    return listed.items if listed is not None else []


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")


def _put(found: Node, keys: Sequence[str], said: Node) -> Node:
    """What was rendered, in which the value below these keys is at the place where it is said, if it is that one."""
    if not keys:
        return said if found.data == said.data else found
    if isinstance(found.value, dict):
        under = found.value.get(keys[0])
        if under is None:
            return found
        changed = _put(under, keys[1:], said)
        return found if changed is under else replace(found, value={**found.value, keys[0]: changed})
    if isinstance(found.value, list) and (keys[0].isdecimal() or keys[0] == "-"):
        items = list(found.value)
        # What is appended, or set before another patch has moved it, is looked for by what it is.
        index = int(keys[0]) if keys[0].isdecimal() else len(items)
        if len(keys) == 1 and (index >= len(items) or items[index].data != said.data):
            index = max((at for at, item in enumerate(items) if item.data == said.data), default=len(items))
        if index < len(items):
            changed = _put(items[index], keys[1:], said)
            # What is named in a list is where its value is said: a variable, for instance.
            is_value = changed is not items[index] and len(keys) == 2 and changed.at("name") is not None
            items[index] = replace(changed, path=said.path, line=said.line) if is_value else changed
        return replace(found, value=items)
    return found
