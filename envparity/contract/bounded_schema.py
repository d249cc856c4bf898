"""JSON Schema in bounded time: a regular expression of a contract is searched for in a frame for seconds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from envparity.support.patterns import Pattern

__all__ = ["BoundedDraft7", "BoundedDraft202012"]


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


_BOUNDED: Final = {"pattern": _pattern, "patternProperties": _pattern_properties}

BoundedDraft202012: Final[type[Draft202012Validator]] = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, _BOUNDED
)
"""A validator as `Draft202012Validator` is one."""

BoundedDraft7: Final[type[Draft7Validator]] = extend(Draft7Validator, _BOUNDED)  # type: ignore[no-untyped-call]
"""A validator as `Draft7Validator` is one."""
