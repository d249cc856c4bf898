"""What clients say that a contract allows, and what breaks it in one place; sequences of it by the operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from envparity.conversation.contract.contract import Contract
from envparity.conversation.contract.messages import Message
from envparity.engine.exploration.values import ANYTHING, TEXT, values

__all__ = ["ClientTurn", "sequences"]

MOST_TURNS: Final = 3
_TOO_LONG: Final = 400


@dataclass(frozen=True)
class ClientTurn:
    """One frame that a client sends: of which message, and where it is broken ("" where the contract allows it)."""

    message: str
    frame: dict[str, Any]
    broken: str = ""


def sequences(contract: Contract, known: Mapping[str, str]) -> st.SearchStrategy[tuple[ClientTurn, ...]]:
    """Sequences of frames that clients may send, and of such that are broken in one place.

    `known` maps the name of a property to a placeholder that earlier steps fill, an id that the backend gave: such a
    property has that value in half of all frames. They shrink towards one valid frame with nothing optional in it.
    """
    made = [_turns(contract, message, known) for message in contract.messages("sent") if message.schema is not None]
    return st.lists(st.one_of(made), min_size=1, max_size=MOST_TURNS).map(tuple) if made else st.nothing()


def _turns(contract: Contract, message: Message, known: Mapping[str, str]) -> st.SearchStrategy[ClientTurn]:
    schema = message.schema
    assert schema is not None  # noqa: S101  whoever asks has looked
    valid = values(contract.documents, schema).filter(
        lambda frame: _is_frame(frame) and message.validator.is_valid(frame)
    )
    kept = st.tuples(valid, st.booleans()).map(lambda both: _with_known(both[0], known) if both[1] else both[0])
    good = kept.map(lambda frame: ClientTurn(message.name, frame))
    return good | _broken(contract, message, valid)


def _broken(contract: Contract, message: Message, valid: st.SearchStrategy[Any]) -> st.SearchStrategy[ClientTurn]:
    """A valid frame in which one thing is wrong, so that the contract has something against it."""
    changed = valid.flatmap(lambda frame: st.sampled_from(list(_places(frame)) or [()]).flatmap(_changes(frame)))
    against = changed.filter(lambda both: bool(contract.violations(both[0], "sent")))
    return against.map(lambda both: ClientTurn(message.name, both[0], both[1]))


def _places(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key, held in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*at, key)
        yield from _places(held, (*at, key))


def _changes(frame: dict[str, Any]) -> Any:
    """Ways to change one place of that frame, each with the place in words."""

    def at(place: tuple[str | int, ...]) -> st.SearchStrategy[tuple[dict[str, object], str]]:
        where = "/" + "/".join(map(str, place))
        added = st.just((_changed(frame, (*place[:-1], "unforeseen"), 1), "/unforeseen"))
        if not place:
            return st.just((frame | {"unforeseen": 1}, "/unforeseen"))
        removed = [st.just((_changed(frame, place, _GONE), where))] if isinstance(place[-1], str) else []
        other = st.one_of(ANYTHING, st.text(TEXT, min_size=1, max_size=3), st.just("a" * _TOO_LONG), st.just(-1))
        replaced = other.map(lambda value: (_changed(frame, place, value), where))
        return st.one_of([*removed, replaced, *([added] if isinstance(place[-1], str) else [])])

    return at


_GONE: Final = object()


def _changed(value: Any, place: tuple[str | int, ...], new: Any) -> Any:
    """A copy of that value in which one place is another, or gone."""
    if not place:
        return new
    key, rest = place[0], place[1:]
    if isinstance(value, list):
        return [_changed(held, rest, new) if index == key else held for index, held in enumerate(value)]
    if not rest and new is _GONE:
        return {name: held for name, held in value.items() if name != key}
    return {**value, key: _changed(value.get(key), rest, new)}


def _with_known(frame: dict[str, object], known: Mapping[str, str]) -> dict[str, object]:
    """The frame with what the backend gave, where it has such a property."""
    return {name: f"{{{known[name]}}}" if name in known else value for name, value in frame.items()}


def _is_frame(value: object) -> bool:
    """Whether it is an object that a scenario can hold: no text in it has braces."""
    return isinstance(value, dict) and not _has_braces(value)


def _has_braces(value: object) -> bool:
    if isinstance(value, str):
        return "{" in value or "}" in value or "\x00" in value
    if isinstance(value, dict):
        return any(_has_braces(key) or _has_braces(held) for key, held in value.items())
    return isinstance(value, list) and any(map(_has_braces, value))
