"""What a replay saw, and whether that is the finding that was asked for."""

from __future__ import annotations

from dataclasses import dataclass

from envparity.judge.finding import Finding
from envparity.judge.sameness import are_alike

__all__ = ["ReplayAnswer"]


@dataclass(frozen=True)
class ReplayAnswer:
    """What the same boots show now. Of orders a few stand for many, so the place may be named by another one."""

    findings: tuple[Finding, ...]
    environments: tuple[str, ...]
    boots: int
    conversations: int
    of_orders: bool = False

    def same(self, found: Finding, known: Finding) -> bool:
        """Whether what was found is the finding that was asked for: the same rule, place, step and nature.

        What only forks showed, and fresh containers show now, is that finding all the more.
        """
        alike = (found.identity, found.step) == (known.identity, known.step) and are_alike(found, known)
        if alike and (not known.distinct or found.got == known.got):
            return True
        codes = {known.code, *([known.instead_of.code] if known.instead_of is not None else [])}
        return self.of_orders and found.code in codes and found.component == known.component
