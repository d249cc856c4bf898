"""From a finding to its cause: the smallest difference that flips the verdict. Pure; whoever asks boots."""

from __future__ import annotations

from envparity.isolate.divergence import Parting, conversation_parting, startup_parting, with_partings
from envparity.isolate.orders import Pair, Shrunk, shrink_order
from envparity.isolate.settings import Isolated, OutOfBoots, Progress, isolate
from envparity.isolate.traits import Part, Trait, differences, in_words, mix

__all__ = [
    "Isolated",
    "OutOfBoots",
    "Pair",
    "Part",
    "Parting",
    "Progress",
    "Shrunk",
    "Trait",
    "conversation_parting",
    "differences",
    "in_words",
    "isolate",
    "mix",
    "shrink_order",
    "startup_parting",
    "with_partings",
]
