"""Hypothesis strategies for the values that a JSON Schema allows, within a contract's documents."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from envparity.conversation.contract.documents import DocumentPlace, Documents
from envparity.support.patterns import pattern_problem

__all__ = ["ANYTHING", "TEXT", "values"]

_DEEPEST: Final = 5
_MOST: Final = 5
_LONGEST: Final = 24
_ANY_TYPE: Final = ("string", "integer", "boolean", "object", "array", "number", "null")
_FORMATS: Final = {
    "uuid": st.uuids().map(str),
    "date-time": st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z"),
    "date": st.dates().map(str),
    "email": st.sampled_from(["a@example.com", "a.b+c@example.org"]),
    "uri": st.sampled_from(["https://example.com/", "https://example.com/a?b=c#d"]),
}
TEXT: Final = st.characters(codec="utf-8", exclude_characters="{}\x00")
"""What texts are made of: a brace would be a placeholder of a scenario, and a zero byte no TOML can hold."""
_SCALARS: Final = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(TEXT, max_size=_LONGEST)
ANYTHING: Final = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=3,
)  # fmt: skip
"""Any small JSON value."""


def values(  # noqa: PLR0911  one for each thing that a schema may be
    documents: Documents, schema: DocumentPlace, depth: int = 0
) -> st.SearchStrategy[Any]:
    """Values that this schema allows, nearly all of them; whoever takes one holds it against the schema.

    They shrink towards the shortest: no optional property, the first of what is listed, the least length.
    """
    followed = documents.followed(schema)
    if followed is None or not isinstance(followed.value, dict) or not followed.value:
        return _SCALARS if followed is not None and followed.value is not False else st.nothing()
    if depth > _DEEPEST:
        return _scalar_of(followed.value)
    said = followed.value
    if "const" in said:
        return st.just(said["const"])
    if isinstance(said.get("enum"), list) and said["enum"]:
        return st.sampled_from(said["enum"])
    for key in ("oneOf", "anyOf"):
        options = list(followed.below(key).items())
        if options:
            return st.one_of([_together(documents, [followed, option], depth, key) for option in options])
    if isinstance(said.get("allOf"), list):
        return _together(documents, [followed, *followed.below("allOf").items()], depth, "allOf")
    return _of_types(documents, followed, depth)


def _together(documents: Documents, parts: list[DocumentPlace], depth: int, without: str) -> st.SearchStrategy[object]:
    """Values that all of these allow, as far as objects can be laid over each other."""
    merged: dict[str, Any] = {}
    at = parts[0]
    for part in parts:
        held = documents.followed(part)
        if held is None or not isinstance(held.value, dict):
            continue
        at = held if held.uri != at.uri else at
        for key, value in held.value.items():
            if key == without and part is parts[0]:
                continue
            if key in {"properties", "$defs"} and isinstance(merged.get(key), dict) and isinstance(value, dict):
                merged[key] = {**merged[key], **value}
            elif key == "required" and isinstance(merged.get(key), list) and isinstance(value, list):
                merged[key] = list(dict.fromkeys([*merged[key], *value]))
            else:
                merged[key] = value
    return values(documents, DocumentPlace(at.uri, at.pointer, merged), depth + 1)


def _of_types(documents: Documents, schema: DocumentPlace, depth: int) -> st.SearchStrategy[object]:
    said = schema.value
    named = said.get("type")
    types = [named] if isinstance(named, str) else named if isinstance(named, list) else _guessed(said)
    return st.one_of([_of_type(documents, schema, type_, depth) for type_ in types])


def _guessed(said: dict[str, object]) -> list[str]:
    """The types that a schema without one speaks of."""
    if {"properties", "required", "additionalProperties"} & said.keys():
        return ["object"]
    if {"items", "prefixItems"} & said.keys():
        return ["array"]
    if {"minLength", "maxLength", "pattern", "format"} & said.keys():
        return ["string"]
    return ["integer"] if {"minimum", "maximum"} & said.keys() else list(_ANY_TYPE)


def _of_type(  # noqa: PLR0911  one for each type
    documents: Documents, schema: DocumentPlace, kind: str, depth: int
) -> st.SearchStrategy[object]:
    said = schema.value
    match kind:
        case "object":
            return _objects(documents, schema, depth)
        case "array":
            return _arrays(documents, schema, depth)
        case "string":
            return _texts(said)
        case "integer":
            return _integers(said)
        case "number":
            return _integers(said) | st.floats(
                _least(said), _most(said), allow_nan=False, allow_infinity=False, width=32
            )
        case "boolean":
            return st.booleans()
        case _:
            return st.none()


def _objects(documents: Documents, schema: DocumentPlace, depth: int) -> st.SearchStrategy[object]:
    required = [name for name in schema.value.get("required", []) if isinstance(name, str)]
    known = {name: values(documents, place, depth + 1) for name, place in schema.below("properties").entries()}
    needed = {name: known.get(name, _SCALARS) for name in required}
    optional = {name: made for name, made in known.items() if name not in needed} if depth < _DEEPEST else {}
    return st.fixed_dictionaries(needed, optional=optional)


def _arrays(documents: Documents, schema: DocumentPlace, depth: int) -> st.SearchStrategy[object]:
    said = schema.value
    least = int(said.get("minItems", 0))
    most = min(int(said.get("maxItems", least + _MOST)), least + _MOST)
    prefix = [values(documents, place, depth + 1) for place in schema.below("prefixItems").items()]
    if prefix:
        return st.tuples(*prefix).map(list)
    items = schema.below("items")
    made = values(documents, items, depth + 1) if items.value is not None else _SCALARS
    unique = bool(said.get("uniqueItems"))
    return st.lists(made, min_size=least, max_size=most, unique_by=repr if unique else None)


def _texts(said: dict[str, Any]) -> st.SearchStrategy[str]:
    least = int(said.get("minLength", 0))
    most = min(int(said.get("maxLength", least + _LONGEST)), least + _LONGEST)
    pattern = said.get("pattern")
    if isinstance(pattern, str) and not pattern_problem(pattern):
        return st.from_regex(pattern, fullmatch=pattern.startswith("^") and pattern.endswith("$"))
    if isinstance(said.get("format"), str) and said["format"] in _FORMATS:
        return _FORMATS[said["format"]]
    plain = st.text("abc019 -_", min_size=least, max_size=most)
    lengths = {
        least,
        *([int(said["maxLength"])] if int(said.get("maxLength", 0)) <= 4096 and said.get("maxLength") else []),
    }
    edges = st.sampled_from(sorted(lengths)).map(lambda length: "a" * length)
    return plain | st.text(TEXT, min_size=least, max_size=most) | edges


def _integers(said: dict[str, object]) -> st.SearchStrategy[object]:
    least, most = _least(said), _most(said)
    step = said.get("multipleOf")
    made = st.integers(None if least is None else int(least), None if most is None else int(most))
    edges = [edge for edge in (least, most, 0, 1, 2**31, 2**53) if edge is not None]
    fitting = [int(edge) for edge in edges if (least is None or edge >= least) and (most is None or edge <= most)]
    both = made | st.sampled_from(fitting) if fitting else made
    return both.map(lambda number: number * step) if isinstance(step, int) and step > 1 else both


def _least(said: dict[str, object]) -> float | None:
    return _bound(said.get("minimum"), said.get("exclusiveMinimum"), 1)


def _most(said: dict[str, object]) -> float | None:
    return _bound(said.get("maximum"), said.get("exclusiveMaximum"), -1)


def _bound(inclusive: object, exclusive: object, inward: int) -> float | None:
    if isinstance(inclusive, int | float) and not isinstance(inclusive, bool):
        return inclusive
    if isinstance(exclusive, int | float) and not isinstance(exclusive, bool):
        return exclusive + inward
    return None


def _scalar_of(said: dict[str, object]) -> st.SearchStrategy[object]:
    """The least that a schema allows, where it is too deep to go on."""
    return {"object": st.just({}), "array": st.just([]), "string": st.just("a")}.get(str(said.get("type")), st.just(0))
