"""Which commit made it red: bisection over history, in which some commits cannot be tested at all.

A commit that does not build says nothing about the failure. It is passed over for its nearest neighbour that was not
tried yet; where only such commits are left between the last clean and the first red one, all of them are suspects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

__all__ = ["Blamed", "State", "blame"]

State = Literal["clean", "red", "does not build"]


class Blamed(msgspec.Struct, frozen=True):
    """The commits of which one made it red, oldest first: one, or several where all but the last do not build.

    `tried` are the commits that were tested, in that sequence, without the ends.
    """

    suspects: tuple[str, ...]
    tried: tuple[str, ...]


def blame(commits: Sequence[str], state: Callable[[str, int], State]) -> Blamed:
    """The first red one of these commits, oldest first, the last of which is red; what came before them was clean.

    `state` tests a commit, and is told how many more it will be at most where all of them build. Raises `ValueError`
    without commits.
    """
    if not commits:
        raise ValueError("expected commits")
    clean, red = -1, len(commits) - 1
    unbuildable: set[int] = set()
    tried = []
    while between := [at for at in range(clean + 1, red) if at not in unbuildable]:
        middle = (clean + red) / 2
        at = min(between, key=lambda value: (abs(value - middle), value))
        tried.append(commits[at])
        match state(commits[at], len(between).bit_length() - 1):
            case "clean":
                clean = at
            case "red":
                red = at
            case _:
                unbuildable.add(at)
    return Blamed(tuple(commits[clean + 1 : red + 1]), tuple(tried))
