"""How the clients fared that played one scenario at the same time: counts, and the client that is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise

import msgspec

from envparity.observe.nature import nature_on_the_wire
from envparity.observe.own_values import is_made, text_of
from envparity.observe.transcript import (
    Clients,
    ConnectionClosed,
    Crossed,
    FrameReceived,
    FrameSent,
    HandshakeAnswered,
    Transcript,
)

__all__ = ["as_one", "standstill_s"]

_KEPT = 5  # frames that came to the wrong client of which a transcript tells


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
        standstill_s=round(standstill_s(plays, max((_end_s(play) for play in left), default=0.0)), 3),
    )
    enough = len(kept) >= least
    usual = next(iter(clients.otherwise), "")
    shown = kept[0] if enough else next(play for play in left if _met(play) == usual)
    return msgspec.structs.replace(shown, clients=clients, duration_s=max(play.duration_s for play in plays))


def standstill_s(plays: Iterable[Transcript], until_s: float) -> float:
    """For how many seconds at most nothing came to any of the clients, from what is said first until that moment."""
    events = [event for play in plays for event in play.events]
    said = [event.at_s for event in events if isinstance(event, FrameSent)]
    came = [event.at_s for event in events if isinstance(event, FrameReceived | HandshakeAnswered | ConnectionClosed)]
    began_s = min(said, default=until_s)
    moments = sorted({began_s, *(at_s for at_s in came if began_s <= at_s < until_s), until_s})
    return max((later - before for before, later in pairwise(moments)), default=0.0)


def _end_s(play: Transcript) -> float:
    """When a client knew that it is not served."""
    return max((event.at_s for event in play.events), default=0.0)


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
    events = ((number, event) for number, play in enumerate(plays) for event in play.events)
    skipped = ((number, event) for number, play in enumerate(plays) for event in play.skipped)
    for number, event in chain(events, skipped):
        if not isinstance(event, FrameReceived):
            continue
        text = text_of(event.frame)
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
        if having[value] == 1 and is_made(value, name)
    }
