"""What is left of a cause, and of the failing environment, where one difference is taken out; whether it is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import TypeVar

from envparity.isolate.outcome import Outcome

__all__ = ["is_silent_without", "parts_left"]

T = TypeVar("T", bound=Hashable)


def parts_left(causes: Collection[Collection[T]], everything: Collection[T]) -> dict[frozenset[T], frozenset[T]]:
    """What of each cause is left without one of its differences, with what is left of `everything` without it.

    The other causes are taken out of that too, for each of them is enough by itself.
    """
    left: dict[frozenset[T], frozenset[T]] = {}
    for cause in map(frozenset, causes):
        others = {item for other in map(frozenset, causes) if other != cause for item in other} - cause
        for item in sorted(cause, key=[*everything].index):
            left[cause - {item}] = frozenset(everything) - others - {item}
    return left


async def is_silent_without(
    test: Callable[[frozenset[T]], Awaitable[Outcome]], part: frozenset[T], rest: frozenset[T]
) -> bool:
    """Whether one more boot with that part of a cause does not show it.

    Where that boot fails otherwise and says nothing, it is so if the failing environment, with the `rest`, passes.
    """
    answer = await test(part)
    if answer is Outcome.UNKNOWN:
        return await test(rest) is Outcome.PASSES
    return answer is not Outcome.SHOWS
