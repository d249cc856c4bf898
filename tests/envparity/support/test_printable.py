"""What a backend wrote is text, wherever it is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envparity.support.printable import printable


@pytest.mark.parametrize(
    "text",
    ["::error::x", "a\n  ::set-output name=a::b", "two words ::add-mask::y", "##[error]x", "a ##[group]b", "::stop::"],
)
def test_no_line_is_a_command_to_the_runner_of_a_job(text: str) -> None:
    """A line that begins with `::name::` is one, and `##[name]` anywhere; a line may be broken at any space."""
    shown = printable(text)
    assert "##[" not in shown
    assert not any(word.startswith("::") for word in shown.split())


@pytest.mark.parametrize("text", ["::1", "std::string", "at ::1 and [::]", "::ffff:10.0.0.1", "# [x]"])
def test_what_is_no_command_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\u202eb", r"a\u202eb"), ("\ud83d", r"\ud83d"), ("\x1b[2Jx", "x"), ("\x9b2J", r"\x9b2J"), ("\ufeff", r"\ufeff")],
)
def test_what_turns_the_direction_or_is_not_seen_is_spelled_out(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_every_text_can_be_printed(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert not any(ord(character) < 0x20 and character != "\n" for character in shown)
