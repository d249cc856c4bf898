"""Answers that overtake one another, as a pure function of parcels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.launch.overtaking import OvertakingAnswers
from envparity.launch.toxics import Parcel

HALF_S, LONGEST_S = 0.1, 0.2


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(0, 2)), max_size=12))
def test_nothing_is_too_late_nor_overtakes_on_its_own_connection(answers: list[tuple[float, int]]) -> None:
    """Whatever comes when; what is behind something late waits for it and no longer."""
    toxic = OvertakingAnswers(longest_ms=LONGEST_S * 1000)
    effects = [toxic.begin(number) for number in range(3)]
    last = [0.0] * 3
    for at_s, number in sorted(answers):
        (parcel,) = effects[number].apply(Parcel(at_s, b"x"))
        assert at_s <= parcel.due_s <= at_s + LONGEST_S + 1e-9
        assert parcel.due_s >= last[number]
        last[number] = parcel.due_s


def test_what_comes_together_goes_on_in_reverse() -> None:
    """Of one window, each as far from its end as before; the next window begins behind it."""
    toxic = OvertakingAnswers(longest_ms=200)
    due = [toxic.begin(number).apply(Parcel(at_s, b"x"))[0].due_s for number, at_s in enumerate((1.0, 1.03, 1.1, 1.2))]
    assert [round(at_s, 3) for at_s in due] == [1.2, 1.17, 1.1, 1.4]


def test_an_end_is_no_answer() -> None:
    """It comes behind what was said before it, and begins no window."""
    effect = OvertakingAnswers(longest_ms=200).begin(0)
    late, end = (effect.apply(parcel)[0] for parcel in (Parcel(1.0, b"x"), Parcel(1.05, b"", "half")))
    assert end.due_s == late.due_s == pytest.approx(1.2)
    assert OvertakingAnswers(longest_ms=200).begin(0).apply(Parcel(1.0, b"", "half"))[0].due_s == 1.0
