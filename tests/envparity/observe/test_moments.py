"""Moments as frames have them."""

from __future__ import annotations

import pytest

from envparity.observe.moments import is_moment, moment_of

AT = 1757294271.0  # 2025-09-08T01:17:51Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2025-09-08T01:17:51Z", AT),
        ("2025-09-08T01:17:51.250Z", AT + 0.25),
        ("2025-09-08t01:17:51,250z", AT + 0.25),
        ("2025-09-08 07:02:51+05:45", AT),
        ("2025-09-08T07:02:51.123456789+0545", AT + 0.123456),
        ("2025-09-08T01:17Z", AT - 51),
        ("2025-09-07T22:17:51-03:00", AT),
    ],
)
def test_a_moment_says_its_seconds_since_the_epoch(text: str, seconds: float) -> None:
    """Whatever the offset in which it is written."""
    assert moment_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "2025-09-08T01:17:51",
        "2025-09-08",
        "2025-02-31T00:00:00Z",
        "2025-09-08T23:59:60Z",
        "at 2025-09-08T01:17:51Z",
        "",
    ],
)
def test_everything_else_says_none(text: str) -> None:
    """A time of nobody's zone, a day, a day that there is not, a sentence."""
    assert moment_of(text) is None


def test_a_moment_need_not_say_its_zone() -> None:
    """To be left out of what is told, it is enough that it is a time of a day."""
    assert is_moment("2025-09-08T01:17:51")
    assert not is_moment("2025-09-08")
