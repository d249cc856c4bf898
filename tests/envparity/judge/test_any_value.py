"""What a contract says against a frame, whatever value stood there."""

from __future__ import annotations

import pytest

from envparity.judge.any_value import of_any_value
from tests.envparity.judge.builders import close, received

FRAME = {"type": "said", "to": ["anna", 7], "meta": {"at": None}}


@pytest.mark.parametrize(
    ("violation", "said"),
    [
        ("said: to.1: 7 is not of type 'string'", "said: to.1: a value that is not of type 'string'"),
        ("said: meta: {'at': None} has too few", "said: meta: a value that has too few"),
        ("'anna' is too long", "a value that is too long"),
        ("said: 'type' is a required property", "said: 'type' is a required property"),
        ("said: at 'anna' is too long", "said: at 'anna' is too long"),
        ("said: 'bob' was expected", "said: 'bob' was expected"),
    ],
)
def test_the_value_goes_and_the_place_and_the_promise_stay(violation: str, said: str) -> None:
    assert of_any_value(violation, received(FRAME)) == said


def test_a_close_is_told_as_it_is() -> None:
    assert of_any_value("1 is too long", close(1)) == "1 is too long"
