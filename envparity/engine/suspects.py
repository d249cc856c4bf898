"""What made the difference of one finding is asked about first for the next: one defect shows in many ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from envparity.isolate import Trait

__all__ = ["Suspects"]

_MOST_ASKED = 2
"""So many of them are asked about alone before a search halves its traits: each is a question of which it has few."""


class Suspects:
    """Traits that searches between the same two environments have named, and of how many findings each."""

    def __init__(self) -> None:
        self._named: Counter[Trait] = Counter()

    def name(self, causes: Iterable[Iterable[Trait]]) -> None:
        """Keep the causes of one finding."""
        self._named.update({trait for cause in causes for trait in cause})

    def among(self, traits: Collection[Trait]) -> tuple[Trait, ...]:
        """Those of these traits that most findings are known to come from."""
        known = (trait for trait, _ in self._named.most_common() if trait in traits)
        return tuple(trait for trait, _ in zip(known, range(_MOST_ASKED), strict=False))
