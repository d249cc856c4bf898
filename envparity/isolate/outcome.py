"""What a test of a hybrid came to: three outcomes, of which the third is no answer."""

from __future__ import annotations

from enum import Enum

__all__ = ["Outcome"]


class Outcome(Enum):
    """Whether a boot shows a failure. Only `SHOWS` and `PASSES` are answers.

    - SHOWS: the same failure, by rule, step and nature
    - PASSES: it came as far as the failing boot and beyond, without it
    - DISGUISED: it fails at the same place, but in the way that a silence shows as a close, or a close as a silence
    - UNKNOWN: it failed otherwise or earlier, or did not come up at all, so that nobody can say
    """

    SHOWS = "shows"
    PASSES = "passes"
    DISGUISED = "disguised"
    UNKNOWN = "unknown"

    @property
    def fails(self) -> bool:
        """Whether the same conversation, or startup, is as broken there, however that shows."""
        return self in {Outcome.SHOWS, Outcome.DISGUISED}
