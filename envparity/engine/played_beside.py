"""What is played beside the scenarios as they are written, on one stack, and what is looked at meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from envparity.engine.coming_back import CameBack
from envparity.engine.other_handshakes import OtherHandshakes
from envparity.observe.beside import AtOnce, SiblingPlay
from envparity.observe.transcript import HttpAnswered, Transcript
from envparity.observe.usage import Usage, Visits

__all__ = ["PlayedBeside"]


@dataclass
class PlayedBeside:
    """`control` are further plays, `back` those of users who came back, `otherwise` those that say the same otherwise.

    Beside `siblings` another connection of their user was; `at_once` are those of many clients. `cross_origin` is what
    browsers are told, `usage` and `visits` what was looked at between rounds.
    """

    control: tuple[Transcript, ...] = ()
    back: CameBack = field(default_factory=CameBack)
    otherwise: OtherHandshakes = field(default_factory=OtherHandshakes)
    siblings: tuple[SiblingPlay, ...] = ()
    at_once: tuple[AtOnce, ...] = ()
    cross_origin: tuple[tuple[HttpAnswered, ...], ...] = ()
    usage: Sequence[Usage] = ()
    visits: tuple[Visits, ...] = ()
