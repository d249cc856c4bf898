"""Plays of a scenario beside what is not in it: another connection of its user, many clients, another client."""

from __future__ import annotations

import msgspec

from envparity.observe.clients import standstill_s
from envparity.observe.transcript import Transcript

__all__ = ["PLAYS_TO_BLAME", "AtOnce", "DialectPlay", "SiblingPlay"]

_AT_LEAST_S = 0.5

PLAYS_TO_BLAME = 3
"""So many plays leave their script, and none keeps to it, before what their handshake says otherwise is blamed."""


class SiblingPlay(msgspec.Struct, frozen=True):
    """A play beside which another connection of the same user was there first, and had `gone` before it was over."""

    transcript: Transcript
    gone: bool = False


class DialectPlay(msgspec.Struct, frozen=True):
    """A play whose requests for an upgrade say the same in other `ways` than usual, all of them at once."""

    ways: tuple[str, ...]
    transcript: Transcript


class AtOnce(msgspec.Struct, frozen=True):
    """A scenario with dependencies that take a moment: by many clients `together`, and then by one `alone`."""

    alone: Transcript
    together: Transcript

    @property
    def alone_s(self) -> float:
        """For how many seconds at most nothing came to the one that was alone."""
        return standstill_s((self.alone,), self.alone.duration_s)

    @property
    def stands_still(self) -> bool:
        """Whether nothing came to many for longer than all of a replica would take one after the other."""
        return self.is_long and self.together_s > _AT_LEAST_S + self._of_a_replica * self.alone_s

    @property
    def is_long(self) -> bool:
        """Whether it is a standstill at all: some were not served, and nothing came to anybody for a while."""
        broken = self.together.departure is not None and self.alone.departure is None
        return broken and self.together_s > _AT_LEAST_S

    @property
    def together_s(self) -> float:
        """For how many seconds at most nothing came to any of the many."""
        return 0.0 if self.together.clients is None else self.together.clients.standstill_s

    @property
    def _of_a_replica(self) -> int:
        clients = self.together.clients
        return 0 if clients is None else max(clients.accepted, default=clients.of)
