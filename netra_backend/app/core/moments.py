"""Moments in time, as they are written in frames and reports."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """A moment in UTC to the millisecond, as RFC 3339 has it: 2025-09-08T01:17:51.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    """This moment."""
    return rfc3339(datetime.now(UTC))
