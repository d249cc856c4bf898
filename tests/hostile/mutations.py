"""What becomes of a good input in bad hands: one thing in it is another, chosen by a seed."""

from __future__ import annotations

import copy
import os
import random
from typing import Any, Final

__all__ = ["VALUES", "amount", "changed_bytes", "changed_value"]

VALUES: Final[tuple[Any, ...]] = (
    None, True, 0, -1, 2**63, 2**64, -(2**70), 1e308, float("nan"), float("inf"), "", " ", "\0", "\x1b[2J", "\u202e",
    "::error::x", "../../../etc/passwd", "/", "a" * 5000, "{setting:A}", "{", "%00", "\n", "\r\nX: y", "é" * 300,
    [], {}, [[]], [None], {"": None}, {"a": {"b": {"c": []}}}, "(a+)+$", "[", "2024-99-99", "#", "*", "a.b.c" * 400,
)  # fmt: skip
_BYTES: Final = (b"\0", b"\xff", b"\x1b", b"{", b"}", b"[", b'"', b"\n", b"\r", b"\\", b"=", b"#", b"\xed\xa0\xbd")


def amount(sample: int, whole: int) -> int:
    """How many are tried: a sample, or all of them where ENVPARITY_HOSTILE is `whole`."""
    return whole if os.environ.get("ENVPARITY_HOSTILE") == "whole" else sample


def changed_value(value: Any, chance: random.Random) -> Any:
    """A copy in which one part is left out, twice there, or another value."""
    made = copy.deepcopy(value)
    places = list(_places(made))
    if not places:
        return chance.choice(VALUES)
    holder, key = chance.choice(places)
    how = chance.randrange(4)
    if how == 0:
        del holder[key]
    elif how == 1 and isinstance(holder, dict):
        holder[str(chance.choice(VALUES))[:100]] = holder.pop(key)
    elif how == 2:
        holder[key] = copy.deepcopy(chance.choice(places)[0])
    else:
        holder[key] = copy.deepcopy(chance.choice(VALUES))
    return made


def changed_bytes(content: bytes, chance: random.Random) -> bytes:
    """The content with a piece cut out, doubled, or others put in."""
    at, to = sorted(chance.randrange(len(content) + 1) for _ in range(2))
    match chance.randrange(4):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + content[min(to, at + 40) :]
        case 2:
            return content[:at] + chance.choice(_BYTES) * chance.choice((1, 1, 2, 300)) + content[at:]
        case _:
            return content[:at] + content[at : at + 200] + content[at:]


def _places(value: Any) -> Any:
    """Every place in it: what holds it, and the key or the index."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        items = list(holder.items() if isinstance(holder, dict) else enumerate(holder))
        for key, under in items:
            yield holder, key
            if isinstance(under, dict | list):
                waiting.append(under)
