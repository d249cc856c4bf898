"""Numbers of things in words."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """`1 case`, `9 cases`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
