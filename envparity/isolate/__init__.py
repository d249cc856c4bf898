"""From a finding to its cause: the smallest difference that flips the verdict. Pure; whoever asks boots."""

from __future__ import annotations

from envparity.isolate.divergence import Parting, conversation_parting, startup_parting, with_partings
from envparity.isolate.expectation import Expectation
from envparity.isolate.orders import Pair, Shrunk, shrink_order
from envparity.isolate.outcome import Outcome
from envparity.isolate.part import Part
from envparity.isolate.parts import is_silent_without, parts_left
from envparity.isolate.questions import OutOfBoots, SearchProgress
from envparity.isolate.settings import Isolated, isolate
from envparity.isolate.traits import Trait, carried, differences, mix

__all__ = [
    "Expectation",
    "Isolated",
    "OutOfBoots",
    "Outcome",
    "Pair",
    "Part",
    "Parting",
    "SearchProgress",
    "Shrunk",
    "Trait",
    "carried",
    "conversation_parting",
    "differences",
    "is_silent_without",
    "isolate",
    "mix",
    "parts_left",
    "shrink_order",
    "startup_parting",
    "with_partings",
]
