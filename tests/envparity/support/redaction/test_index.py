"""Secrets are found by their ends and pieces by their grams: nothing that is in a text is passed over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.support.redaction import Redaction
from envparity.support.redaction.index import SecretIndex
from envparity.support.redaction.spellings import PIECE

SECRET = st.text("abcXYZ012-_.=", min_size=4, max_size=60)
FEW = st.lists(SECRET, min_size=1, max_size=30, unique=True)
MANY = st.lists(SECRET, min_size=60, max_size=90, unique=True)


@given(FEW | MANY, st.data())
def test_every_form_that_a_text_holds_is_a_candidate(forms: list[str], data: st.DataObject) -> None:
    """Wherever it was added."""
    below = SecretIndex()
    index = SecretIndex(below)
    for number, form in enumerate(forms):
        (below if number % 2 else index).add(form)
    held = data.draw(st.lists(st.sampled_from(forms), max_size=3))
    text = data.draw(st.text("abc ", max_size=20)).join(["", *held, ""])
    assert {form for form in forms if form in text} <= set(index.candidates(text))


@pytest.mark.parametrize("before", range(9))
def test_one_of_many_is_found_wherever_in_a_text_it_begins(before: int) -> None:
    index = SecretIndex()
    forms = ["".join(chr(0x4E00 + number + at) for at in range(number)) for number in range(4, 60)]
    for form in forms:
        index.add(form)
    assert [form for form in forms if form not in index.candidates(f"{' ' * before}{form} ")] == []


@given(st.text(min_size=2 * PIECE, max_size=80), st.data())
def test_every_piece_of_a_form_may_be_one(form: str, data: st.DataObject) -> None:
    below = SecretIndex()
    data.draw(st.sampled_from([below, index := SecretIndex(below)])).add_pieces(form)
    at = data.draw(st.integers(0, len(form) - PIECE))
    assert index.may_hold(form[at : at + PIECE])


def test_who_knows_further_secrets_keeps_them_from_who_does_not() -> None:
    """They share an index; what it holds of the one is shown by the other."""
    fewer = Redaction([("first-of-the-secrets", "{setting:A}")])
    more = fewer.and_of([("another-secret-of-a-run", "{setting:B}")])
    text = "first-of-the-secrets another-secret-of-a-run"
    assert more.text(text) == "{setting:A} {setting:B}"
    assert fewer.text(text) == "{setting:A} another-secret-of-a-run"


def test_of_what_is_known_for_a_while_nothing_is_kept() -> None:
    """And what it is called then counts, whatever it was called before."""
    standing = Redaction([("first-of-the-secrets", "{setting:A}"), ("of-a-user-0123456789", "{setting:B}")])
    own = {"of-a-user-0123456789": "<token:valid>", "another-secret-of-a-user": "<token:expired>"}
    text = "first-of-the-secrets of-a-user-0123456789 another-secret-of-a-user"
    assert standing.for_a_while(own).text(text) == "{setting:A} <token:valid> <token:expired>"
    assert standing.text(text) == "{setting:A} {setting:B} another-secret-of-a-user"
    assert standing.for_a_while({}).text(text) == "{setting:A} {setting:B} another-secret-of-a-user"
