"""The fields in which two dependencies may differ: those of each, each key of its kind, each entry of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from envparity.model.environment import Dependency

__all__ = ["field_of", "taken", "takes_from", "unequal_fields"]

_OPTIONS = "options"
_ABSENT = object()


def unequal_fields(dependency: Dependency, other: Dependency) -> Iterator[str]:
    """The names of the fields in which they differ: `tls`, `image`, `variables.LOG_LEVEL`."""
    for name in dependency.__struct_fields__:
        if name != _OPTIONS and getattr(dependency, name) != getattr(other, name):
            yield name
    for name in dict.fromkeys((*dependency.options, *other.options)):
        before, after = dependency.options.get(name, _ABSENT), other.options.get(name, _ABSENT)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict) and name in _BY_ENTRY:
            yield from (
                f"{name}.{key}" for key in dict.fromkeys((*after, *before)) if before.get(key) != after.get(key)
            )
        else:
            yield name


def field_of(dependency: Dependency, field: str) -> object:
    """The value of that field; None where there is none."""
    if field in dependency.__struct_fields__:
        return getattr(dependency, field)
    name, entry, key = field.partition(".")
    found = dependency.options.get(name)
    return (found or {}).get(key) if entry else found


def takes_from(dependency: Dependency, field: str, owner: str) -> bool:
    """Whether that field is a setting of its own that takes something from the dependency of that other name."""
    if not field.startswith("settings."):
        return False
    value = field_of(dependency, field)
    said = value.get("from", "") if isinstance(value, dict) else value
    return isinstance(said, str) and re.search(rf"(?:^|\{{){re.escape(owner)}\.[a-z_]+", said) is not None


def taken(into: Dependency, of: Dependency, field: str) -> Dependency:
    """The same, with that field of the other one, or without it where the other has none."""
    if field in into.__struct_fields__:
        return msgspec.structs.replace(into, **{field: getattr(of, field)})
    name, entry, key = field.partition(".")
    options = dict(into.options)
    if entry:
        options[name] = _with(options.get(name, {}), of.options.get(name, {}), key)
    else:
        options = _with(options, of.options, name)
    return msgspec.structs.replace(into, options=options)


def _with(into: dict[str, object], of: dict[str, object], key: str) -> dict[str, object]:
    without = {name: value for name, value in into.items() if name != key}
    return {**without, key: of[key]} if key in of else without


_BY_ENTRY = frozenset({"variables", "settings", "files"})
"""Tables whose entries have nothing to do with each other, so that each is taken by itself."""
