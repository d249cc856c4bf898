"""Whether a frame is what a script asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

__all__ = ["ABSENT", "assigned", "matches", "reach"]

ABSENT: Final = object()

_ANYTHING: Final = "{any}"

W = TypeVar("W")
G = TypeVar("G")


def matches(got: object, wanted: object) -> bool:
    """Whether `got` is what is wanted: objects contain it, lists are as long and match, anything else is equal.

    "{any}" is matched by anything.
    """
    if wanted == _ANYTHING:
        return True
    if isinstance(wanted, dict):
        return all(
            (found := reach(got, name)) is not ABSENT and matches(found, under) for name, under in wanted.items()
        )
    if isinstance(wanted, list):
        if not isinstance(got, list) or len(got) != len(wanted):
            return False
        return all(matches(there, asked) for there, asked in zip(got, wanted, strict=True))
    return got == wanted and isinstance(got, bool) == isinstance(wanted, bool)


def reach(frame: object, dotted: str) -> object:
    """What a dotted name leads to: `limits.max_bytes`, `messages.0.text`; `ABSENT` where it leads nowhere.

    What begins with a slash is a JSON Pointer (RFC 6901).
    """
    found = frame
    names = dotted.split(".")
    if dotted.startswith("/"):
        names = [part.replace("~1", "/").replace("~0", "~") for part in dotted[1:].split("/")]
    for name in names:
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            return ABSENT
    return found


def assigned(got: Sequence[G], wanted: Sequence[W], fits: Callable[[G, W], bool]) -> list[int] | None:
    """For each that was got, the place of one that was wanted, no two the same; None where that cannot be."""
    taken: dict[int, int] = {}  # place of what was wanted -> place of what was got

    def place(each: int, tried: set[int]) -> bool:
        for there in range(len(wanted)):
            if there not in tried and fits(got[each], wanted[there]):
                tried.add(there)
                if there not in taken or place(taken[there], tried):
                    taken[there] = each
                    return True
        return False

    if not all(place(each, set()) for each in range(len(got))):
        return None
    found = {each: there for there, each in taken.items()}
    return [found[each] for each in range(len(got))]
