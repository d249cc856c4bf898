"""What a step may say in place of a value: placeholders, sums of numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import msgspec

__all__ = [
    "ENDS_LINE",
    "MADE",
    "PLACEHOLDER",
    "SUM",
    "UNESCAPED",
    "Amount",
    "Query",
    "Scalar",
    "amount_of",
    "placeholders",
]

Amount = int | float | str  # a number, or a sum with placeholders in it

Scalar = str | int | float | bool
Query = str | dict[str, Scalar | tuple[Scalar, ...]]  # as it stands, or a table that is percent-encoded

PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)(?::([^{}\"\s]+))?\}")
MADE = frozenset({"uuid", "user", "token", "setting", "first", "origin", "counter", "any", "client", "address"})
"""The placeholders that stand for what is made or known; any other was captured."""

UNESCAPED = re.compile(rf"(?<!\\){PLACEHOLDER.pattern}")
ENDS_LINE = re.compile(r"[\r\n\0]")
_TERM = r"\d+(?:\.\d+)?(?:\s*\*\s*\d+(?:\.\d+)?)*"
SUM = re.compile(rf"\s*{_TERM}(?:\s*[+-]\s*{_TERM})*\s*")


def amount_of(text: str) -> float:
    """The value of a sum of products without placeholders: `8192+1`. Raises ValueError for anything else."""
    if not SUM.fullmatch(text):
        raise ValueError(f"not a number or a sum: {text!r}")
    total = 0.0
    for sign, term in re.findall(rf"([+-]?)\s*({_TERM})", text):
        product = math.prod(float(factor) for factor in term.split("*"))
        total += -product if sign == "-" else product
    return total


def placeholders(value: object) -> Iterator[tuple[str, str]]:
    """Every placeholder in a value of JSON's kinds or a step, as (name, argument); argument "" where there is none.

    In the pattern of a step an escaped brace begins none.
    """
    if isinstance(value, str):
        yield from _found(PLACEHOLDER, value)
    elif isinstance(value, Mapping):
        for under in value.values():
            yield from placeholders(under)
    elif isinstance(value, list | tuple):
        for under in value:
            yield from placeholders(under)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            if name == "pattern":
                yield from _found(UNESCAPED, getattr(value, name))
            elif name != "user_id":
                yield from placeholders(getattr(value, name))


def _found(form: re.Pattern[str], text: str) -> Iterator[tuple[str, str]]:
    for match in form.finditer(text):
        yield match[1], match[2] or ""
