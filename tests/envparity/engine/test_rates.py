"""Whether a cause is steady: it shows each time, and without any part of it never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import pytest

from envparity.engine.oracle import AnswersQuestions
from envparity.engine.rates import is_steady
from envparity.isolate import Outcome, Trait

NAME, HOST, REST = (Trait((), text) for text in ("NAME", "HOST", "REST"))
COUPLE = frozenset({NAME, HOST})
SHOWS, PASSES, UNKNOWN, DISGUISED = Outcome.SHOWS, Outcome.PASSES, Outcome.UNKNOWN, Outcome.DISGUISED


class Answers:
    """Stands for an oracle: of each set of traits the answers of its boots, one after the other; the last one stays."""

    unsteady = False

    def __init__(self, said: Mapping[frozenset[Trait], Sequence[Outcome]]) -> None:
        self._said = {traits: list(outcomes) for traits, outcomes in said.items()}

    async def cold(self, traits: frozenset[Trait]) -> Outcome:
        outcomes = self._said[traits]
        return outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]

    twice = cold


@pytest.mark.parametrize(
    ("couple", "name", "host", "without_host", "steady"),
    [
        ((SHOWS,), (PASSES,), (PASSES,), (UNKNOWN,), True),
        ((DISGUISED,), (PASSES,), (PASSES,), (UNKNOWN,), True),
        ((SHOWS, PASSES), (PASSES,), (PASSES,), (PASSES,), False),
        ((SHOWS,), (PASSES, SHOWS), (PASSES,), (PASSES,), False),
        ((SHOWS,), (UNKNOWN,), (PASSES,), (PASSES,), True),
        ((SHOWS,), (PASSES, UNKNOWN), (PASSES,), (SHOWS,), False),
        ((SHOWS,), (UNKNOWN,), (PASSES,), (UNKNOWN,), False),
    ],
)
async def test_each_part_is_needed_where_it_passes_without_it_on_one_of_both_sides(
    couple: Sequence[Outcome],
    name: Sequence[Outcome],
    host: Sequence[Outcome],
    without_host: Sequence[Outcome],
    *,
    steady: bool,
) -> None:
    """Of a race that fails in many ways, a boot that failed in another one says nothing of what was left out."""
    said = {COUPLE: couple, frozenset({NAME}): name, frozenset({HOST}): host}
    said |= {frozenset({NAME, REST}): without_host, frozenset({HOST, REST}): (PASSES,)}
    oracle = cast("AnswersQuestions", Answers(said))
    assert await is_steady(oracle, (NAME, HOST, REST), [COUPLE], 2) is steady
