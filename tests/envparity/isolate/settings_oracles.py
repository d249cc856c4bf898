"""Oracles of which the answer is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from hypothesis import strategies as st

from envparity.isolate.outcome import Outcome
from envparity.isolate.questions import SearchProgress
from envparity.isolate.settings import Isolated, isolate

Oracle = Callable[[frozenset[int]], bool | Outcome]


def outcome(answer: bool | Outcome) -> Outcome:
    """Of an oracle that knows no third."""
    if isinstance(answer, Outcome):
        return answer
    return Outcome.SHOWS if answer else Outcome.PASSES


def isolated(
    size: int, fails: Oracle, *, most: int = 10_000, progress: Callable[[SearchProgress], None] = lambda _one: None
) -> tuple[Isolated[int], list[frozenset[int]]]:
    asked: list[frozenset[int]] = []

    async def boot(several: frozenset[int]) -> Outcome:
        asked.append(several)
        return outcome(fails(several))

    return asyncio.run(isolate(range(size), boot, most=most, progress=progress)), asked


@st.composite
def causes_of(draw: st.DrawFn, sizes: tuple[int, int] = (1, 3)) -> tuple[int, frozenset[int]]:
    size = draw(st.integers(2, 100))
    several = st.frozensets(st.integers(0, size - 1), min_size=sizes[0], max_size=min(sizes[1], size))
    return size, draw(several)
