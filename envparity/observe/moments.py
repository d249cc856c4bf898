"""Moments as they are written in frames: what a text that is one says, in seconds since the epoch."""

from __future__ import annotations

import datetime as dt
import re

__all__ = ["is_moment", "moment_of"]

_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[Tt ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?:[.,](?P<fraction>\d+))?"
    r"(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?"
)


def is_moment(text: str) -> bool:
    """Whether the text is a date with a time of day and nothing else (RFC 3339 §5.6, ISO 8601-1 §5.4.2.1)."""
    return _MOMENT.fullmatch(text) is not None


def moment_of(text: str) -> float | None:
    """The seconds since the epoch of a moment with `Z` or an offset, to the microsecond.

    None for every other text, also for a moment without either: nobody says what that is.
    """
    found = _MOMENT.fullmatch(text)
    if found is None or found["zone"] is None:
        return None
    zone = "+00:00" if found["zone"] in {"Z", "z"} else found["zone"]
    fraction = (found["fraction"] or "0")[:6].ljust(6, "0")
    seconds = found["time"] if found["time"].count(":") > 1 else f"{found['time']}:00"
    try:
        return dt.datetime.fromisoformat(f"{found['day']}T{seconds}.{fraction}{zone}").timestamp()
    except (ValueError, OverflowError):  # the 31st of February; a leap second
        return None
