"""How the clients fared that played one scenario at the same time: counts, and the client that is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from envparity.observe.frame import plain
from envparity.observe.nature import nature_on_the_wire
from envparity.observe.transcript import (
    Clients,
    Crossed,
    FrameReceived,
    HandshakeAnswered,
    Transcript,
)

__all__ = ["as_one"]

_SHORTEST = 12  # characters of a value that can stand inside of a text and be nobody else's by accident
_KEPT = 5  # frames that came to the wrong client of which a transcript tells
_MADE = ("<user", "<uuid")


def as_one(plays: Sequence[Transcript], served: int | None) -> Transcript:
    """One transcript for all clients, as long as that of one: their counts, and the events of one of them.

    Where fewer than `served` (None: all) were served, that is the first of those that met what most of the others met,
    and the departure is its; else the first that was served.
    """
    kept = [play for play in plays if play.departure is None]
    left = [play for play in plays if play.departure is not None]
    met = Counter(map(_met, left))
    least = len(plays) if served is None else served
    clients = Clients(
        of=len(plays),
        served=len(kept),
        least=least,
        otherwise=dict(sorted(met.items(), key=lambda pair: (-pair[1], pair[0]))),
        accepted=_accepted(plays),
        slowest_s=round(max((play.duration_s for play in kept), default=0.0), 3),
        crossed=tuple(_crossed(plays)),
    )
    enough = len(kept) >= least
    usual = next(iter(clients.otherwise), "")
    shown = kept[0] if enough else next(play for play in left if _met(play) == usual)
    return msgspec.structs.replace(shown, clients=clients, duration_s=max(play.duration_s for play in plays))


def _accepted(plays: Iterable[Transcript]) -> tuple[int, ...]:
    """How many connections each replica has accepted, where it is known which did; the first is taken for any other."""
    events = (event for play in plays for event in play.events)
    by = Counter(event.replica or 0 for event in events if isinstance(event, HandshakeAnswered) and event.accepted)
    return tuple(by[index] for index in range(max(by, default=-1) + 1))


def _met(play: Transcript) -> str:
    """What a client met that was not served: `handshake 503`, `close 1013`, `timeout`."""
    return "" if play.departure is None else nature_on_the_wire(play, play.departure)


def _crossed(plays: Sequence[Transcript]) -> Iterator[Crossed]:
    """The first frames that carry what was made for another client alone."""
    whose = _own_values(plays)
    found = 0
    for number, play in enumerate(plays):
        for event in play.events:
            if not isinstance(event, FrameReceived):
                continue
            text = "\n".join(_leaves(plain(event.frame)))
            foreign = next((value for value, owner in whose.items() if owner != number and value in text), None)
            if foreign is not None:
                yield Crossed(number + 1, whose[foreign] + 1, plays[whose[foreign]].names[foreign], event)
                found += 1
                if found == _KEPT:
                    return


def _own_values(plays: Sequence[Transcript]) -> dict[str, int]:
    """The values that were made for one client alone, with the number of that client, from 0."""
    having = Counter(value for play in plays for value in play.names)
    return {
        value: number
        for number, play in enumerate(plays)
        for value, name in play.names.items()
        if having[value] == 1 and len(value) >= _SHORTEST and name.startswith(_MADE)
    }


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (leaf for under in value.values() for leaf in _leaves(under))
    elif isinstance(value, list):
        yield from (leaf for under in value for leaf in _leaves(under))
    else:
        yield str(value)
