"""Causes of the other fields of a frame, a handshake or a report that differ beside the one that a finding prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from envparity.engine.hybrids import Hybrids
from envparity.engine.oracle import Oracle, played_for
from envparity.engine.ranking import ranked
from envparity.engine.trait_search import found_by, shows_again
from envparity.isolate import OutOfBoots
from envparity.isolate.trait_places import trait_places
from envparity.judge.cause import FieldCause, TraitsCause
from envparity.judge.finding import Finding

__all__ = ["FieldSearch"]

_MOST_SEARCHES = 3
"""So many causes of other fields of one finding are looked for, each of which may explain several of them."""


@dataclass(frozen=True)
class FieldSearch:
    """Looks for the causes of the paths of one finding, whose own was found in these hybrids.

    The boots that were made answer for every path at once, so that only what they do not say is booted. `oracle_of`
    answers for the same finding of other paths. `forks`: there are some. At most `most` boots for each cause.
    """

    finding: Finding
    hybrids: Hybrids
    oracle_of: Callable[[Finding], Oracle]
    forks: bool
    most: int

    async def beside(self, cause: TraitsCause) -> TraitsCause:
        """That cause with those of the paths that it does not explain; a path whose cause is not found stays named."""
        fields: list[FieldCause] = []
        left, unknown = cause.others, list[str]()
        for _ in range(_MOST_SEARCHES):
            field = await self._cause_of(left) if left else None
            if field is None:
                unknown, left = [*unknown, *left[:1]], left[1:]
            else:
                fields.append(field)
                left = tuple(path for path in left if path not in field.paths)
        return msgspec.structs.replace(cause, others=(*unknown, *left), fields=tuple(fields))

    async def _cause_of(self, paths: Sequence[str]) -> FieldCause | None:
        """What makes the first of these paths differ, with all that it explains; None where that is not found."""
        oracle = self.oracle_of(msgspec.structs.replace(self.finding, paths=tuple(paths)))
        hybrids = self.hybrids
        try:
            if not await shows_again(oracle, hybrids, played_for(self.finding)):
                return None
            search = await found_by(oracle, hybrids, oracle.evidence, self.most, forks=self.forks)
            if not search.found.verified or not search.steady or search.finer.flaky:
                return None
            unlike = await oracle.unlike(search.found.causes)
        except OutOfBoots:
            return None
        told = ranked(search.finer.causes, oracle.evidence, hybrids.failing)
        return FieldCause(
            paths=tuple(path for path in paths if path not in unlike),
            alternatives=tuple(tuple(map(str, alternative)) for alternative in told),
            places=trait_places((trait for way in told for trait in way), hybrids.passing, hybrids.failing),
        )
