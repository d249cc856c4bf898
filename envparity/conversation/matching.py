"""Whether a frame is what a script asks for."""

from __future__ import annotations

from typing import Final

__all__ = ["ABSENT", "matches", "reach"]

ABSENT: Final = object()


def matches(got: object, wanted: object) -> bool:
    """Whether `got` is what is wanted: objects contain it, lists are as long and match, anything else is equal."""
    if isinstance(wanted, dict):
        return all((found := reach(got, name)) is not ABSENT and matches(found, one) for name, one in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(got, list) or len(got) != len(wanted):
            return False
        return all(matches(one, other) for one, other in zip(got, wanted, strict=True))
    return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)


def reach(frame: object, dotted: str) -> object:
    """What a dotted name leads to: `limits.max_bytes`, `messages.0.text`; `ABSENT` where it leads nowhere."""
    found = frame
    for name in dotted.split("."):
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return ABSENT
    return found
