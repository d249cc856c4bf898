"""Lines of text for people."""

from __future__ import annotations

import pytest

from envparity.report.layout import field, printable


@pytest.mark.parametrize(
    ("logged", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("back\x08space\x00", "back\\x08space\\x00"),
        ("carriage\rreturn", "carriage\\x0dreturn"),
        ("a\tb\r\nc", "a    b\nc"),
        ("\x9b31mC1", "\\x9b31mC1"),
        ("grün ✔", "grün ✔"),
    ],
)
def test_printable_leaves_text_and_takes_control(logged: str, shown: str) -> None:
    """Sequences go, other control characters are spelled out, everything else stays."""
    assert printable(logged) == shown


def test_a_word_too_long_for_the_line_stands_whole() -> None:
    """What is quoted can be copied."""
    word = "x" * 100
    assert [str(line) for line in field("got", f"a {word} b", width=40)] == [
        "  got          a",
        f"               {word}",
        "               b",
    ]


def test_several_lines_hang_under_their_label() -> None:
    """A log tail keeps its lines."""
    assert [str(line) for line in field("log", "one\n\n  two", width=40, mark="| ")] == [
        "  log          | one",
        "               |",
        "               |   two",
    ]
