"""Ids that differ in the middle alone: whoever keeps the beginning or the end of one takes it for another."""

from __future__ import annotations

import uuid

__all__ = ["made_up"]

_FIRST, _LAST = 8, 12  # hexadecimal digits that are the same: the first and the last group of a UUID
_FIRST_DIGITS, _LAST_DIGITS = 5, 4


def made_up(own: uuid.UUID, like: uuid.UUID) -> dict[str, str]:
    """What an id can be made of, by placeholder: `uuid`, `hex` and `digits`, which begin and end as those of `like`."""
    digits, others = _digits(own), _digits(like)
    made = uuid.UUID(like.hex[:_FIRST] + own.hex[_FIRST:-_LAST] + like.hex[-_LAST:])
    return {
        "uuid": str(made),
        "hex": made.hex,
        "digits": others[:_FIRST_DIGITS] + digits[_FIRST_DIGITS:-_LAST_DIGITS] + others[-_LAST_DIGITS:],
    }


def _digits(of: uuid.UUID) -> str:
    """Eighteen of them, the first a 1: a number that fits into 64 bits and keeps its length."""
    return f"1{of.int % 10**17:017d}"
