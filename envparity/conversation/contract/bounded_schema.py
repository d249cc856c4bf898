"""JSON Schema in bounded time: a regular expression of a contract is searched for in a frame for seconds, and so many
references are followed for one frame, however often they fork.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Final

from envparity.support.json_schema import Draft7Validator, Draft202012Validator, ValidationError, Validator, extend
from envparity.support.patterns import Pattern

__all__ = ["MOST_REFERENCES", "BoundedDraft7", "BoundedDraft202012", "TooManyReferences", "bounded_references"]

MOST_REFERENCES: Final = 50_000
"""References that are followed to hold one frame against its messages: a second or two of a processor."""

_left: ContextVar[list[int] | None] = ContextVar("references left", default=None)


class TooManyReferences(Exception):
    """A schema refers to others so often that a frame is not held against all of it."""


@contextmanager
def bounded_references() -> Iterator[None]:
    """Have what is validated within this follow `MOST_REFERENCES`, and raise `TooManyReferences` then."""
    token = _left.set([MOST_REFERENCES])
    try:
        yield
    finally:
        _left.reset(token)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Pattern[str]:
    return Pattern(pattern)


def _found(pattern: str, text: str) -> bool:
    return _compiled(pattern).anew().search(text) is not None


def _pattern(_validator: Validator, pattern: str, instance: object, _schema: object) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _found(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, object], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    for pattern, schema in patterns.items() if isinstance(instance, dict) else ():
        for name, value in instance.items():
            if _found(pattern, name):
                yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _reference(validator: Any, reference: str, instance: object, schema: object) -> Iterator[ValidationError]:
    left = _left.get()
    if left is not None:
        left[0] -= 1
        if left[0] < 0:
            raise TooManyReferences
    yield from Draft202012Validator.VALIDATORS["$ref"](validator, reference, instance, schema)


_BOUNDED: Final = {"pattern": _pattern, "patternProperties": _pattern_properties, "$ref": _reference}

BoundedDraft202012: Final[type[Draft202012Validator]] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, _BOUNDED
)
"""A validator as `Draft202012Validator` is one."""

BoundedDraft7: Final[type[Draft7Validator]] = extend(Draft7Validator, _BOUNDED)  # type: ignore[no-untyped-call]
"""A validator as `Draft7Validator` is one."""
