from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.isolate.commits import Blamed, State, blame


@st.composite
def histories(draw: st.DrawFn, *, unbuildable: bool) -> tuple[int, int, frozenset[int]]:
    """How many commits, the first red one, and those that do not build."""
    size = draw(st.integers(1, 120))
    first = draw(st.integers(0, size - 1))
    broken = draw(st.frozensets(st.integers(0, size - 2), max_size=20)) if unbuildable and size > 1 else frozenset()
    return size, first, broken


def blamed(size: int, first: int, broken: frozenset[int] = frozenset()) -> tuple[Blamed, list[int]]:
    left: list[int] = []

    def state(commit: str, more: int) -> State:
        left.append(more)
        at = int(commit)
        return "does not build" if at in broken else "red" if at >= first else "clean"

    return blame([str(at) for at in range(size)], state), left


@given(histories(unbuildable=False))
def test_the_commit_is_found_in_as_many_tests_as_bisection_needs(history: tuple[int, int, frozenset[int]]) -> None:
    """The logarithm of their number, and never more than was said."""
    size, first, _ = history
    found, left = blamed(size, first)
    assert found.suspects == (str(first),)
    assert len(found.tried) <= (size - 1).bit_length()
    assert all(more >= len(left) - at - 1 for at, more in enumerate(left))


@given(histories(unbuildable=True))
def test_what_does_not_build_is_neither_clean_nor_red(history: tuple[int, int, frozenset[int]]) -> None:
    """The first red one is among the suspects, and every other suspect cannot be tested."""
    size, first, broken = history
    found, _ = blamed(size, first, broken)
    suspects = [int(suspect) for suspect in found.suspects]
    assert first in suspects
    assert set(suspects[:-1]) <= broken
    assert suspects[-1] not in broken
    assert len(set(found.tried)) == len(found.tried)


def test_one_commit_needs_no_test() -> None:
    """It is known to be red, and what came before to be clean."""
    assert blamed(1, 0)[0] == Blamed(("0",), ())


def test_no_commits_are_refused() -> None:
    """Nobody is to blame for nothing."""
    with pytest.raises(ValueError, match="expected commits"):
        blame([], lambda _commit, _more: "red")
