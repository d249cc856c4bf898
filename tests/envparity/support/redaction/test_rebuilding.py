"""Texts are made anew at any depth, in keys too, and nothing is lost on the way."""

from __future__ import annotations

import time
from typing import Any, Literal

import msgspec

from envparity.support.redaction import Redaction

NAME = "{setting:TOKEN}"
SECRET = "text-of-a-secret"
REDACTION = Redaction([(SECRET, NAME)])


class Inner(msgspec.Struct, frozen=True):
    said: str
    kind: Literal["text-of-a-secret", "other"] = "other"
    more: tuple[str, ...] = ()


class Outer(msgspec.Struct, frozen=True):
    inner: Inner
    body: Any = None


def test_keys_that_become_equal_are_all_kept() -> None:
    """A backend may use secrets as keys."""
    other = Redaction([(SECRET, NAME), ("another-of-them", NAME)])
    made = other.plain({SECRET: 1, "another-of-them": 2, NAME: 3})
    assert sorted(made.values()) == [1, 2, 3]
    assert all(SECRET not in key and "another" not in key for key in made)


def test_any_depth_is_gone_through() -> None:
    """A backend may nest as deep as it likes."""
    nested: Any = SECRET
    for _ in range(50_000):
        nested = [nested]
    made = REDACTION.plain(nested)
    for _ in range(50_000):
        made = made[0]
    assert made == NAME


def test_structs_are_made_anew_where_something_changed() -> None:
    """And are the same object where nothing did; what may be certain words only is left alone."""
    outer = Outer(Inner(f"it is {SECRET}", "text-of-a-secret", (SECRET, "x")), {SECRET: [None, 1.5, {"a": SECRET}]})
    assert REDACTION.struct(outer) == Outer(
        Inner(f"it is {NAME}", "text-of-a-secret", (NAME, "x")), {NAME: [None, 1.5, {"a": NAME}]}
    )
    clean = Outer(Inner("nothing"), {"a": [1, ("b",), {"c": None}]})
    assert REDACTION.struct(clean) is clean


def test_a_hundred_secrets_cost_little_in_texts_that_hold_none() -> None:
    """Most of what a boot shows holds none: 20,000 frames take less than what a boot takes."""
    redaction = Redaction((f"{number:032x}", NAME) for number in range(100))
    frames = [{"type": "message", "id": f"m-{number}", "text": "hello to everybody"} for number in range(20_000)]
    began = time.process_time()
    assert redaction.plain(frames) is frames
    assert time.process_time() - began < 10
