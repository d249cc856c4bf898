"""JSON Schemas of the keys that kinds of things declare, made from their structs: one declaration for each key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from envparity.doors import Door, built_in_entries

__all__ = ["door_schema"]

T = TypeVar("T")

_LEFT_OUT = frozenset({"title", "default"})


def door_schema(
    door: Door[T],
    tag: str,
    description: str,
    asked: Collection[str] | None,
    keys_of: Callable[[T], type[msgspec.Struct]],
    *,
    common: Mapping[str, object] | None = None,
    named: str = "",
    required: Iterable[str] = (),
    default: str = "",
) -> dict[str, object]:
    """The schema of a table whose `tag` names what came in by that door; left out it is `default`.

    Of the names that are `asked` for in a file, or (None) of envparity's own. `keys_of` gives the struct whose fields
    are a kind's own keys, beside the tag, `named` in words, and the `common` ones. Raises `DoorFailed`.
    """
    if asked is None:
        kinds = {name: door.load(entry) for name, entry in built_in_entries(door.group).items()}
        installed = list(kinds)
    else:
        installed = list(door.entries())
        kinds = {name: door.get(name) for name in installed if name in asked}
    schemas = {}
    for name, kind in kinds.items():
        with door.guarding(kind):
            tagged = {tag: {"description": named, "enum": installed}, **(common or {})}
            schemas[name] = _keys_schema(keys_of(kind), tagged, required)
    return _kinds_schema(tag, description, installed, schemas, default)


def _keys_schema(
    kind: type[msgspec.Struct], common: Mapping[str, object], required: Iterable[str] = ()
) -> dict[str, object]:
    """The schema of a table with the fields of that struct, and with the `common` keys that every kind has."""
    (schema,), parts = msgspec.json.schema_components((kind,), ref_template="{name}")
    own = _inlined_table(schema, parts)
    needed, properties = own.get("required"), own.get("properties")
    return {
        "type": "object",
        "additionalProperties": False,
        "required": [*(needed if isinstance(needed, list) else ()), *required],
        "properties": {**(properties if isinstance(properties, dict) else {}), **common},
    }


def _kinds_schema(
    tag: str, description: str, installed: Iterable[str], kinds: Mapping[str, Mapping[str, object]], default: str = ""
) -> dict[str, object]:
    """The schema of a table whose `tag` names one of `kinds`, each with its own schema; left out it is `default`."""
    chosen: list[dict[str, object]] = []
    for name, schema in kinds.items():
        named: dict[str, object] = {"properties": {tag: {"const": name}}}
        if name != default:
            named["required"] = [tag]
        chosen.append({"if": named, "then": {"description": description, **schema}})
    table: dict[str, object] = {"description": description, "type": "object"}
    if not default:
        table["required"] = [tag]
    return {
        **table,
        "properties": {tag: {"description": f"which {tag}: the keys are its own", "enum": list(installed)}},
        "allOf": chosen,
    }


def _inlined(schema: object, parts: Mapping[str, object]) -> object:
    """Without references, titles and defaults, and without null, which TOML has not."""
    if isinstance(schema, list):
        return [_inlined(value, parts) for value in schema]
    return _inlined_table(schema, parts) if isinstance(schema, dict) else schema


def _inlined_table(schema: Mapping[str, Any], parts: Mapping[str, object]) -> dict[str, object]:
    own = {key: _inlined(value, parts) for key, value in schema.items() if key not in _LEFT_OUT | {"$ref", "anyOf"}}
    if "properties" in schema:  # names of keys, of which some may be called title or default
        own["properties"] = {name: _inlined(property_, parts) for name, property_ in schema["properties"].items()}
    others = [each_value for each_value in schema.get("anyOf", ()) if each_value != {"type": "null"}]
    if len(others) > 1:
        own["anyOf"] = _inlined(others, parts)
    referred = [parts[schema["$ref"]]] if "$ref" in schema else others if len(others) == 1 else []
    for item in referred:
        under = _inlined(item, parts)
        own = {**under, **own} if isinstance(under, dict) else own
    return own
