"""Every key that a project's files may have, from their schemas and the structs of steps, and what is put there."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from types import UnionType
from typing import Any, Final, get_args, get_origin

import msgspec

from envparity.model.step import ACTIONS

__all__ = ["Place", "keys_of_schema", "keys_of_steps", "with_value"]

_Path = tuple[str | int, ...]
_ANY_NAME: Final = "anything"


@dataclass(frozen=True)
class Place:
    """Where a value is put, and what must stand elsewhere for that key to be one: a kind, a scheme, a codec."""

    path: _Path
    beside: tuple[tuple[_Path, Any], ...] = field(default=())

    def __str__(self) -> str:
        return ".".join(map(str, self.path))


def keys_of_schema(name: str) -> list[Place]:
    """The keys of that schema of `envparity/schemas`, those of kinds of things with what makes them known."""
    root = json.loads(files("envparity").joinpath("schemas", name).read_text(encoding="utf-8"))
    return list(dict.fromkeys(place for place in _walk(root, root, Place(())) if place.path))


def _walk(schema: Mapping[str, Any], root: Mapping[str, Any], at: Place) -> Iterator[Place]:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    yield at
    for name, under in schema.get("properties", {}).items():
        yield from _walk(under, root, Place((*at.path, name), at.beside))
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        yield from _walk(extra, root, Place((*at.path, _ANY_NAME), at.beside))
    if isinstance(schema.get("items"), dict):
        yield from _walk(schema["items"], root, Place((*at.path, 0), at.beside))
    for part in schema.get("allOf", ()):
        named = part.get("if", {}).get("properties", {})
        beside = tuple(((*at.path, key), value["const"]) for key, value in named.items() if "const" in value)
        yield from _walk(part.get("then", {}), root, Place(at.path, (*at.beside, *beside)))


def keys_of_steps() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each field of each step: the action, the key, and a step with that action that is in order."""
    for action, kind in ACTIONS.items():
        fields = msgspec.structs.fields(kind)
        whole = {(action if place == 0 else declared.name): _plain(declared.type, declared.name)
                 for place, declared in enumerate(fields) if declared.required or place == 0}  # fmt: skip
        for place, declared in enumerate(fields):
            yield action, action if place == 0 else declared.name, whole


def _plain(kind: Any, name: str) -> Any:
    """A value of that type."""
    origin = get_origin(kind)
    if origin is UnionType or isinstance(kind, UnionType):
        return _plain(get_args(kind)[0], name)
    if kind is str:
        return {"token": "valid", "on": "a", "dependency": "redis"}.get(name, "x")
    if kind is int:
        return 1000
    if kind is float:
        return 0.1
    if kind is bool or not isinstance(kind, type):
        return {"tuple": "welcome", "dict": {}}.get(getattr(origin, "__name__", ""), True)
    return {}


def with_value(document: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    """The document with the value there, whatever is in its way."""
    made = copy.deepcopy(document)
    for path, beside in place.beside:
        _put(made, path, beside)
    _put(made, place.path, value)
    return made


def _put(holder: Any, path: _Path, value: Any) -> None:
    for key, after in itertools.pairwise(path):
        fresh: Any = [] if isinstance(after, int) else {}
        if isinstance(key, int):
            if not holder:
                holder.append(fresh)
            elif not isinstance(holder[key], type(fresh)):
                holder[key] = fresh
        elif not isinstance(holder.get(key), type(fresh)):
            holder[key] = fresh
        holder = holder[key]
    if isinstance(path[-1], int) and not holder:
        holder.append(value)
    else:
        holder[path[-1]] = value
