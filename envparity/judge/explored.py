"""The groups of scenarios that an exploration made; they have rules of their own."""

from __future__ import annotations

from typing import Final

__all__ = ["BELOW", "EXPLORED", "FRAMES"]

FRAMES: Final = "explored"
"""Frames that the contract allows, or that break it in one place."""
BELOW: Final = "explored-wire"
"""Bytes below the frames of RFC 6455."""
EXPLORED: Final = frozenset({FRAMES, BELOW})
