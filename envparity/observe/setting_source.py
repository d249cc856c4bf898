"""Where a setting came from, as its fingerprint says it."""

from __future__ import annotations

from typing import Final

__all__ = ["OF_THE_PLATFORM"]

OF_THE_PLATFORM: Final = "platform"
"""The launcher gives it, by a trait of the platform: its port, its time zone."""
