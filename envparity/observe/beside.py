"""Plays of a scenario beside what is not in it: another connection of its user, many clients, another client."""

from __future__ import annotations

import msgspec

from envparity.observe.transcript import Transcript

__all__ = ["PLAYS_TO_BLAME", "AtOnce", "DialectPlay", "SiblingPlay"]

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
