"""Why a verdict is not accepted, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from envparity.errors import EnvparityError

__all__ = ["Kind", "Refusal", "VerdictRefused"]

Kind = Literal[
    "unreadable",  # no envelope, no statement, none of this version
    "unsigned",
    "signer",  # signed by another key
    "tampered",
    "stale",
    "future",
    "image",
    "commit",
    "files",
    "red",
    "partial",  # only some scenarios
    "weaker",  # less was asked of it than is required
]


class Refusal(msgspec.Struct, frozen=True):
    """One reason: what kind, what was expected of the verdict, what stands in it."""

    kind: Kind
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.kind}: expected {self.expected}, got {self.got}"


class VerdictRefused(EnvparityError):
    """A verdict that cannot even be read as what its key has signed. Carries the reasons."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = tuple(refusals)
        super().__init__("; ".join(map(str, self.refusals)))
