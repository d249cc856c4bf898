"""A line is exempted by a comment with a reason; one without, or one in vain, is itself a finding."""

from __future__ import annotations

from envparity.audit.exemptions import apply, exemptions_in
from envparity.audit.finding import Raised
from envparity.audit.rules import BY_CODE

EVERYTHING = frozenset(BY_CODE)
FOUND = Raised("EP606", "app.service", 3, "os.environ", (), 4)


def judged(source: str, *found: Raised, checked: frozenset[str] = EVERYTHING) -> tuple[list[str], list[str]]:
    """The codes that remain, with their lines, and the reasons of those that are exempted."""
    remaining, exempted = apply(found or (FOUND,), {"app.service": source}, checked)
    return [f"{raised.code}:{raised.line}" for raised in remaining], [reason for _, reason in exempted]


def test_a_reason_exempts_the_line() -> None:
    """Behind the code, on any line of the statement, or on a line of its own above it."""
    reason = "the launcher reads it before there are settings"
    comment = f"# envparity: allow EP606 because {reason}"
    assert judged(f"import os\n\nx = (  {comment}\n    os.environ['X'])\n") == ([], [reason])
    assert judged(f"import os\n\nx = (\n    os.environ['X'])  {comment}\n") == ([], [reason])
    assert judged(f"import os\n{comment}\nx = (\n    os.environ['X'])\n") == ([], [reason])
    assert judged(f"{comment}\n# and more\nx = (\n    os.environ['X'])\n") == ([], [reason])


def test_another_line_or_code_is_not_exempted() -> None:
    """And what exempts in vain is found."""
    assert judged("a = 1  # envparity: allow EP606 because so\n\nx = 1\ny = 2\n") == (["EP606:3", "EP608:1"], [])
    assert judged("\n\nx = 1  # envparity: allow EP601 because so\ny = 2\n") == (["EP606:3", "EP608:3"], [])


def test_without_a_reason_nothing_is_exempted() -> None:
    """And that is said."""
    assert judged("\n\nx = 1  # envparity: allow EP606\ny = 2\n") == (["EP606:3", "EP608:3"], [])
    assert judged("\n\nx = 1  # envparity: allow EP606 because …\ny = 2\n") == (["EP606:3", "EP608:3"], [])


def test_no_rule_is_named() -> None:
    """A code that there is not, or none at all."""
    assert judged("\n\nx = 1  # envparity: allow EP999 because so\ny = 2\n") == (["EP606:3", "EP608:3"], [])
    assert judged("\n\nx = 1  # envparity: allow because so\ny = 2\n") == (["EP606:3", "EP608:3"], [])


def test_several_codes_on_one_line() -> None:
    """One comment, one reason; each code must be needed."""
    both = "\n\nx = 1  # envparity: allow EP606, EP658 because the launcher needs it\ny = 2\n"
    effect = Raised("EP658", "app.service", 3, "X", (), 3)
    assert judged(both, FOUND, effect) == ([], ["the launcher needs it"] * 2)
    assert judged(both) == (["EP608:3"], ["the launcher needs it"])


def test_what_was_not_looked_for_is_not_called_unused() -> None:
    """With --only, an exemption from another rule says nothing."""
    source = "\n\nx = 1  # envparity: allow EP658 because so\ny = 2\n"
    assert judged(source, checked=frozenset({"EP606", "EP608"})) == (["EP606:3"], [])
    assert judged(source, checked=frozenset({"EP606"})) == (["EP606:3"], [])


def test_a_string_is_no_comment() -> None:
    """Only a comment exempts."""
    assert not list(exemptions_in("app", 'x = "# envparity: allow EP606 because so"\n'))
