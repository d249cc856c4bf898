"""What a contract says against a frame, whatever value stood there: the same of each, so that it is told once."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.observe.frame import plain
from envparity.observe.transcript import Event, FrameReceived, FrameSent

__all__ = ["of_any_value"]

_A_VALUE = "a value that "
_VERBS = ("is ", "does ", "has ")


def of_any_value(violation: str, event: Event) -> str:
    """The violation without the value of the frame that it begins with, behind the field's place.

    `connection_id: 'c-17' does not match '^[0-9a-f]+$'` is said of `a value that does not match '^[0-9a-f]+$'`.
    """
    if not isinstance(event, FrameReceived | FrameSent):
        return violation
    for value in dict.fromkeys(map(repr, _values(plain(event.frame)))):
        place, found, said = violation.partition(f"{value} ")
        if found and said.startswith(_VERBS) and (not place or place.endswith(": ")):
            return f"{place}{_A_VALUE}{said}"
    return violation


def _values(held: object) -> Iterator[object]:
    """Whatever stands in a frame, at any depth."""
    yield held
    below = held.values() if isinstance(held, dict) else held if isinstance(held, list) else ()
    for value in below:
        yield from _values(value)
