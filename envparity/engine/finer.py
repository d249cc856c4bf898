"""What in an ingress that came as a whole makes the difference: replicas, TLS, a limit, who takes its network.

An ingress that one environment has and the other has not is one trait with all that needs it. Where it is part of a
cause, the passing environment is given an ingress that changes nothing (`isolate.traits.carried`): does it still pass,
then each property of the ingress can be added by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from envparity.engine.hybrids import Hybrids
from envparity.engine.oracle import AnswersQuestions
from envparity.isolate import (
    Expectation,
    Isolated,
    Outcome,
    OutOfBoots,
    Part,
    SearchProgress,
    Trait,
    is_silent_without,
    isolate,
    parts_left,
)
from envparity.isolate.rates import SEVERAL_ERROR, times_more
from envparity.support.together import together

__all__ = ["Finer", "behind_an_ingress", "came_with_the_ingress", "has_a_whole_ingress", "taken_apart"]

_INGRESS = Part("ingress")

A = TypeVar("A", bound=AnswersQuestions)
Cause = tuple[Trait, ...]
Test = Callable[[frozenset[Trait]], Awaitable[Outcome]]


@dataclass(frozen=True)
class Finer:
    """Causes in which what came with an ingress was taken apart; `boots` found them, `verifying` more verified them.

    `flaky` are sets that were asked twice and gave two answers: then nothing is known of the causes.
    """

    causes: tuple[Cause, ...]
    boots: int
    verifying: int
    flaky: tuple[Cause, ...] = ()


def has_a_whole_ingress(cause: Collection[Trait]) -> bool:
    """Whether an ingress that is there or not is part of that cause."""
    return any(_INGRESS in trait.parts for trait in cause)


def came_with_the_ingress(cause: Iterable[Trait], traits: Iterable[Trait]) -> list[Trait]:
    """Those of these traits that an ingress brought along which is part of that cause as a whole."""
    carried = frozenset(part for trait in cause if _INGRESS in trait.parts for part in trait.parts)
    return [trait for trait in traits if any(part in carried or part.area == "ingress" for part in trait.parts)]


async def taken_apart(
    found: Isolated[Trait],
    hybrids: Hybrids,
    oracle: A,
    test: Callable[[A], Test],
    most: int,
    *,
    expected: Expectation[Trait] | None = None,
) -> Isolated[Trait]:
    """The same, with what came with an ingress that only the failing environment has as traits of their own.

    As it is where no ingress is part of a cause, or nobody can say what of it does it; `flaky` where a set that was
    asked twice gave two answers. `test` gives what is asked of an oracle; at most `most` boots for each cause.
    """
    behind = hybrids.behind_an_ingress()
    if behind is None or not any(map(has_a_whole_ingress, found.causes)):
        return found
    asked = oracle.of(behind)
    finer = await behind_an_ingress(
        found.causes,
        behind.traits,
        test(asked),
        most=most,
        progress=asked.tell,
        expected=expected,
    )
    if finer is None:
        return found
    verifying = found.verifying + finer.verifying
    boots = found.boots + finer.boots
    return replace(found, causes=finer.causes, boots=boots, verifying=verifying, flaky=finer.flaky)


async def behind_an_ingress(
    causes: Sequence[Cause],
    traits: Sequence[Trait],
    test: Test,
    *,
    most: int,
    progress: Callable[[SearchProgress], None] = lambda _progress: None,
    expected: Expectation[Trait] | None = None,
) -> Finer | None:
    """The causes in which what came with the ingress is taken apart; None where that is not known to be true.

    `causes` are verified; `traits` are all those between the passing environment behind an ingress that changes nothing
    and the failing one, and `test` is asked about sets of them. The bare ingress must pass, what is named must show it
    (asked twice), and the failing environment must pass without it. At most `most` boots for each cause.
    """
    finer: list[Cause] = []
    boots, verifying = 0, 1
    try:
        for cause in causes:
            if not has_a_whole_ingress(cause):
                finer.append(cause)
                continue
            apart = await _taken_apart(cause, traits, test, most, progress, expected=expected)
            if apart is None:
                return None
            finer.extend(apart.causes)
            boots, verifying = boots + apart.boots, verifying + apart.verifying
            if apart.flaky:
                return Finer(causes=tuple(finer), boots=boots, verifying=verifying, flaky=apart.flaky)
        named = [trait for cause in finer for trait in cause]
        rest = frozenset(trait for trait in traits if not _part_of(trait, named))
        if await test(rest) is not Outcome.PASSES:
            return None
    except OutOfBoots:
        return None
    return Finer(tuple(finer), boots, verifying)


async def _taken_apart(
    cause: Cause,
    traits: Sequence[Trait],
    test: Test,
    most: int,
    progress: Callable[[SearchProgress], None],
    *,
    expected: Expectation[Trait] | None,
) -> Finer | None:
    """The smallest sets that show it in place of that cause; None where that is not known."""
    came = came_with_the_ingress(cause, traits)
    kept = frozenset(each_trait for each_trait in traits if each_trait not in came and _part_of(each_trait, cause))
    if not came or await test(kept) is not Outcome.PASSES:
        return None  # the bare ingress does it, or nobody can say
    found = await isolate(came, lambda some: test(some | kept), most=most, progress=progress, expected=expected)
    if not found.verified and not found.flaky:
        return None
    causes = tuple(
        tuple(each_trait for each_trait in traits if each_trait in kept or each_trait in some) for some in found.causes
    )
    # One boot of a part that passed is no more than chance, where the whole shows it often: each is asked again.
    parts = parts_left([whole for whole in causes if len(whole) > 1], traits) if found.verified else {}
    times = times_more(SEVERAL_ERROR)
    silent = await together(*(is_silent_without(test, part, rest) for part, rest in times * [*parts.items()]))
    shown = dict.fromkeys(part for part, is_silent in zip(times * [*parts], silent, strict=True) if not is_silent)
    flaky = (*found.flaky, *(tuple(each_trait for each_trait in traits if each_trait in part) for part in shown))
    return Finer(causes, found.boots, found.verifying + 1 + times * len(parts), flaky)


def _part_of(trait: Trait, named: Collection[Trait]) -> bool:
    """Whether one of these is about the same place."""
    return any(part in other.parts for part in trait.parts for other in named)
