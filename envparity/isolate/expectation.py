"""What is expected of a search before its first question."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Expectation"]

T = TypeVar("T", bound=Hashable)


def _none(_differences: Sequence[T]) -> Collection[T]:
    return ()


def _the_same(_difference: T) -> float:
    return 1


@dataclass(frozen=True)
class Expectation(Generic[T]):
    """Which differences of some are `likely` to fail alone, and are asked about first; and what each `weighs`.

    One that weighs twice as much as others is found in a question less than they are.
    """

    likely: Callable[[Sequence[T]], Collection[T]] = _none
    weighs: Callable[[T], float] = _the_same
