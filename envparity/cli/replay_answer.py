"""What a replay saw, and whether that is the finding that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from envparity.judge.confirm import WARM_ONLY, would_have_been
from envparity.judge.finding import Finding

__all__ = ["Answer"]


@dataclass(frozen=True)
class Answer:
    """What the same boots show now. Of orders a few stand for many, so the place may be named by another one."""

    findings: tuple[Finding, ...]
    environments: tuple[str, ...]
    boots: int
    conversations: int
    of_orders: bool = False

    def same(self, found: Finding, known: Finding) -> bool:
        """Whether what was found is the finding that was asked for.

        What only forks showed, and fresh containers show now, is that finding all the more.
        """
        if found.identity == known.identity:
            return True
        codes = {known.code}
        if known.code == WARM_ONLY.code:
            codes.add(would_have_been(known))
        return self.of_orders and found.code in codes and found.component == known.component
