"""What an ingress of ours says of the request that it passed on: which replica answered, and what arrived there.

It says so in headers of the answer, so that nothing needs to be put together from logs: `X-Envparity-Answered` where
the answer is the replica's own, `X-Envparity-Arrived-NAME` with the value of each of `FORWARDED` as the replica got it,
and `X-Envparity-Arrived` once for each other header of the client's that arrived, by its name in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from envparity.model.backend import Backend
from envparity.model.step import Connect
from envparity.observe.transcript import Header

__all__ = ["ANSWERED_HEADER", "ARRIVED_HEADER", "FORWARDED", "arrived_of", "lost_of", "watched_headers"]

ANSWERED_HEADER = "X-Envparity-Answered"
ARRIVED_HEADER = "X-Envparity-Arrived"

FORWARDED = (
    "Host",
    "Origin",
    "Forwarded",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Real-IP",
)
"""The headers whose values at the replica are told; of all others only that they arrived."""

_TOLD = {name.lower(): name for name in FORWARDED}
_ALWAYS = ("authorization", "cookie", "sec-websocket-protocol")
_VARIABLE = re.compile(r"[a-z0-9_-]+")  # what nginx has a variable for; names with anything else it drops


def watched_headers(backend: Backend) -> tuple[str, ...]:
    """The names, in lower case, of the headers that the backend's conversations may send, but for `FORWARDED`."""
    carriers = backend.tokens.carriers if backend.tokens is not None else ()
    carried = [carrier.header.partition(":")[0].strip() for carrier in carriers if carrier.header is not None]
    connects = (step for scenario in backend.scenarios for step in scenario.steps if isinstance(step, Connect))
    names = [*_ALWAYS, *carried, *(name for step in connects for name in step.headers)]
    lowered = dict.fromkeys(name.lower() for name in names)
    return tuple(name for name in lowered if name not in _TOLD and _VARIABLE.fullmatch(name))


def arrived_of(answer: Iterable[tuple[str, str]]) -> tuple[Header, ...]:
    """What arrived, by the headers of an answer that came through an ingress; a value only where it is told."""
    return tuple(_arrived(answer))


def _arrived(answer: Iterable[tuple[str, str]]) -> Iterator[Header]:
    prefix = f"{ARRIVED_HEADER}-".lower()
    for name, value in answer:
        low = name.lower()
        if low == ARRIVED_HEADER.lower():
            yield Header(value)
        elif low.startswith(prefix):
            told = low.removeprefix(prefix)
            yield Header(_TOLD.get(told, told), value)


def lost_of(sent: Sequence[Header], arrived: Sequence[Header]) -> tuple[str, ...]:
    """The names of the headers that were sent and did not arrive, as they were sent."""
    there = {header.name.lower() for header in arrived}
    return tuple(dict.fromkeys(header.name for header in sent if header.name.lower() not in there))
