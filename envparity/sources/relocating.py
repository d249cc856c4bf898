"""Paths in an environment's file, as another file that extends it would write them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from envparity.dependency.kind import KINDS

__all__ = ["relocated"]


def relocated(tables: Mapping[str, object], old: Path, new: Path) -> dict[str, object]:
    """The tables of a file of one folder with every path in them relative to another.

    They may be wrong in any way: what is no path stays as it is.
    """
    tables = dict(tables)
    if old.resolve() == new.resolve():
        return tables

    def moved(path: object) -> object:
        if not isinstance(path, str) or not path or "\0" in path or Path(path).is_absolute():
            return path
        return os.path.relpath(old / path, new)

    def with_moved(table: object, *keys: str) -> object:
        if not isinstance(table, dict):
            return table
        return {key: moved(value) if key in keys else value for key, value in table.items()}

    for name, keys in (("image", ("dockerfile", "context")), ("ingress", ("config",))):
        if name in tables:
            tables[name] = with_moved(tables[name], *keys)
    files, dependencies = tables.get("files"), tables.get("dependencies")
    if isinstance(files, dict):
        tables["files"] = {path: with_moved(table, "template") for path, table in files.items()}
    if isinstance(dependencies, dict):
        tables["dependencies"] = {
            name: _dependency(table, moved) if isinstance(table, dict) else table
            for name, table in dependencies.items()
        }
    return tables


def _dependency(table: Mapping[str, object], moved: Callable[[object], object]) -> dict[str, object]:
    """A dependency's table, its paths being those that its kind says; also of those that it has without being told."""
    kind = KINDS.find(table.get("kind"))
    if kind is None:
        return dict(table)
    with KINDS.guarding(kind):
        paths, fields = kind.paths, msgspec.structs.fields(kind.keys)
    usual = {field.name: field.default for field in fields if field.name in paths and isinstance(field.default, str)}
    placed = {**usual, **table}
    for key in (key for key in paths if key in placed):
        several = placed[key]
        whole = {name: moved(path) for name, path in several.items()} if isinstance(several, dict) else moved(several)
        placed[key] = whole
    return placed
