"""The same value with other texts in it: structs, lists and mappings at any depth, without a call for each depth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

import msgspec

__all__ = ["rebuilt"]


def rebuilt(value: Any, text: Callable[[str], str]) -> Any:
    """That value with every text in it, keys too, as `text` makes it; what stays as it is, is the same object.

    A field of a struct that takes certain words only is left alone. Keys that have become equal are numbered.
    """
    levels: list[_Level] = []
    current = value
    while True:
        if isinstance(current, str):
            made = text(current)
            current = current if made == current else made
        elif isinstance(current, dict | list | tuple | set | frozenset | msgspec.Struct):
            levels.append(_Level(current))
            current = None
        # `current` is done, or nothing: go on with the next of the innermost that has one.
        while levels:
            level = levels[-1]
            if level.waiting:
                level.take(current)
            following = next(level.parts, _NONE)
            if following is not _NONE:
                level.waiting = True
                current = following
                break
            current = levels.pop().made()
        else:
            return current


_NONE = object()


class _Level:
    """One value that holds others, while they are made anew."""

    def __init__(self, original: Any) -> None:
        self._original = original
        self._taken: list[object] = []
        self.waiting = False  # for a part that is being made
        self.parts: Iterator[object]
        if isinstance(original, dict):
            self.parts = (part for item in original.items() for part in item)
        elif isinstance(original, msgspec.Struct):
            self.parts = (getattr(original, name) for name in _free_fields(type(original)))
        else:
            self.parts = iter(original)

    def take(self, part: object) -> None:
        self._taken.append(part)
        self.waiting = False

    def made(self) -> object:
        """The value of the parts that were taken."""
        original, taken = self._original, self._taken
        if isinstance(original, dict):
            return _mapping(original, taken)
        if isinstance(original, msgspec.Struct):
            names = _free_fields(type(original))
            changed = {
                name: part for name, part in zip(names, taken, strict=True) if part is not getattr(original, name)
            }
            return msgspec.structs.replace(original, **changed) if changed else original
        if all(part is before for part, before in zip(taken, original, strict=True)):
            return original
        return type(original)(taken)


def _mapping(original: dict[object, object], taken: list[object]) -> dict[object, object]:
    keys, values = taken[::2], taken[1::2]
    if all(key is before for key, before in zip(keys, original, strict=True)):
        unchanged = all(part is before for part, before in zip(values, original.values(), strict=True))
        return original if unchanged else dict(zip(keys, values, strict=True))
    made: dict[object, object] = {}
    for key, value in zip(keys, values, strict=True):
        free, count = key, 1
        while free in made:
            count += 1
            free = f"{key} ({count})"
        made[free] = value
    return made


@lru_cache(maxsize=256)
def _free_fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that may hold any text."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if not _takes_certain_words(field.type))


def _takes_certain_words(hint: object) -> bool:
    return get_origin(hint) is Literal or any(_takes_certain_words(under) for under in get_args(hint))
