"""What startup validation has asked, and what it was told."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Check(NamedTuple):
    """One question to one component; all are critical, in every environment."""

    component: str
    measurement: str
    observed: object
    expected: object
    critical: bool = True

    @property
    def status(self) -> Literal["pass", "fail"]:
        """Whether what was observed is what was expected."""
        return "pass" if self.observed == self.expected else "fail"


class ChecksMade:
    """The checks of one startup; there from its beginning, so that a failed validation shows what it has seen."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
