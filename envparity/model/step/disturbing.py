"""Steps that disturb: a dependency that is slow or silent, a replica that is starved, everything at once.

With `for_s` a step is over when that many seconds have passed and all is as before; without, it lasts until `restore`
names what it disturbs, or the scenario ends. With `beside` the scenario goes on meanwhile, and
the seconds begin with the first attempt to connect.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

__all__ = [
    "BlackHole",
    "BreakAnswer",
    "BreakRequest",
    "DisturbsDependency",
    "HangUp",
    "JumpClock",
    "Refuse",
    "RestartAll",
    "RestartReplicas",
    "Slow",
    "Throttle",
]

LONGEST_S = 600.0

_Seconds = Annotated[float, msgspec.Meta(gt=0, le=LONGEST_S)]
_Share = Annotated[float, msgspec.Meta(ge=0.05, lt=1)]
_Answers = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_Times = Annotated[int, msgspec.Meta(ge=1, le=20)]
_Nth = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_InTurn = Annotated[tuple[_Nth, ...], msgspec.Meta(min_length=2, max_length=2)]  # msgspec 0.23 bears no other pair here
_Shift = Annotated[float, msgspec.Meta(ge=-315_576_000, le=315_576_000)]


class Slow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="slow"):
    """What a dependency says arrives `by_s` seconds later; with `answers` so many of its answers, and no other.

    With `reverse` it arrives within `by_s` seconds, and what is under way at the same time on different connections in
    reverse order.
    """

    dependency: str
    by_s: _Seconds
    answers: _Answers | None = None
    for_s: _Seconds | None = None
    reverse: bool = False


class BreakAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="break_answer"):
    """The `nth` answer of a dependency from now on ends in the middle, with a reset; the first without it.

    With two numbers the scenario is as many, one for each from the first to the last of them (see `expand`).
    """

    dependency: str
    nth: _Nth | _InTurn = 1


class BreakRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="break_request"):
    """The `nth` thing that a dependency is asked from now on does not arrive; there is a reset instead.

    `nth` is as that of `BreakAnswer`.
    """

    dependency: str
    nth: _Nth | _InTurn = 1


class BlackHole(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="black_hole"):
    """A dependency falls silent without a reset: nothing comes on connections old and new, and nothing ends them.

    When it is over new connections work, and those of before stay silent.
    """

    dependency: str
    for_s: _Seconds | None = None
    beside: bool = False


class HangUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="hang_up"):
    """Whoever connects to a dependency is accepted and reset at once, and so is who is connected."""

    dependency: str
    for_s: _Seconds | None = None
    beside: bool = False


class Refuse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="refuse"):
    """A dependency refuses new connections; those that are open stay."""

    dependency: str
    for_s: _Seconds | None = None
    beside: bool = False


class Throttle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="throttle"):
    """The replica that this connection is on has that `share` of its processors for the next `for_s` seconds, while the
    scenario goes on.
    """

    on: str
    for_s: _Seconds
    share: _Share = 0.5


class JumpClock(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="jump_clock"):
    """The clock of the replica that this connection is on goes `by_s` seconds forward, or back."""

    on: str
    by_s: _Shift


class RestartAll(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="restart_all"):
    """Restart every dependency, with its data, and every replica, all at once; wait until every replica is ready."""

    within_s: _Seconds = 60.0


class RestartReplicas(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="restart_replicas"
):
    """Stop every replica, start all in the same moment, and wait until each is ready; so many `times`."""

    times: _Times


DisturbsDependency = Slow | BreakAnswer | BreakRequest | BlackHole | HangUp | Refuse
