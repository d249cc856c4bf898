"""What is left of a cause, and of the failing environment, where one difference is taken out."""

from __future__ import annotations

from envparity.isolate import parts_left


def test_each_part_of_a_cause_has_what_the_failing_side_is_without_the_difference() -> None:
    assert parts_left([("a", "b")], "abc") == {frozenset("a"): frozenset("ac"), frozenset("b"): frozenset("bc")}


def test_other_causes_are_taken_out_of_the_failing_side() -> None:
    """Each is enough by itself, so that with one of them it shows whatever is left out."""
    assert parts_left([("a", "b"), ("c",)], "abcd") == {
        frozenset("a"): frozenset("ad"),
        frozenset("b"): frozenset("bd"),
        frozenset(): frozenset("d"),
    }
