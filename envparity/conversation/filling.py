"""Values with placeholders, filled in; and what is said in words of placeholders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from envparity.model.step import PLACEHOLDER, Step, placeholders

__all__ = ["amount_texts", "fill", "plain_setting", "said_with_placeholders"]

_NOT_COMPARED = frozenset({"origin", "setting", "first", "any"})


def fill(value: Any, values: Mapping[str, object]) -> Any:
    """The value with its placeholders filled in, at any depth.

    A string that is one placeholder becomes the value itself, of whatever kind. What is not in `values` stays.
    """
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        if whole:
            return values.get(value[1:-1], value)
        return PLACEHOLDER.sub(lambda match: str(values.get(match[0][1:-1], match[0])), value)
    if isinstance(value, Mapping):
        return {name: fill(each_value, values) for name, each_value in value.items()}
    if isinstance(value, list | tuple):
        return [fill(item, values) for item in value]
    return value


def said_with_placeholders(expected: Mapping[str, object]) -> dict[str, str]:
    """What is expected of a frame or close in words of placeholders, by its dotted place: `url`, `reason`.

    Ids are left to the names that they are given; a value that was captured is what the backend itself has said.
    """
    return {path.removeprefix("."): text for path, text in _leaves(expected, "")}


def _leaves(value: object, path: str) -> Iterator[tuple[str, str]]:
    """The texts that hold a placeholder of this environment, or stand for anything, with their places."""
    if isinstance(value, Mapping):
        for name, under in value.items():
            yield from _leaves(under, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for place, under in enumerate(value):
            yield from _leaves(under, f"{path}.{place}")
    elif isinstance(value, str) and any(name in _NOT_COMPARED for name, _ in placeholders(value)):
        yield path, value


def amount_texts(steps: tuple[Step, ...]) -> Iterator[str]:
    """The amounts of steps that are given as text."""
    for step in steps:
        for name in ("within_s", "size", "count"):
            given = getattr(step, name, None)
            if isinstance(given, str):
                yield given


def plain_setting(text: str) -> object:
    """A setting as JSON would have it: a number where it is one."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text
