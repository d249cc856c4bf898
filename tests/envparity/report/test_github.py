"""GitHub: within its limits, and nothing that a backend logged becomes Markdown or a command."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from msgspec.structs import replace

from envparity.judge.evidence import Note
from envparity.report.github import annotation_lines, step_summary, tell_github, wanted
from envparity.report.saved import SavedRun
from tests.envparity.report.recorded import HOSTILE, clean_run, startup_run


def with_findings(number: int, **changes: object) -> SavedRun:
    run = startup_run()
    (finding,) = run.verdict.findings
    findings = tuple(replace(finding, where=f"component {index}", **changes) for index in range(number))
    return replace(run, verdict=replace(run.verdict, findings=findings))


def test_a_cause_is_one_annotation_with_its_file() -> None:
    """`::error file=…,title=…::` and what to do, on one line."""
    (line,) = annotation_lines(startup_run())
    head, _, message = line.removeprefix("::").partition("::")
    assert re.fullmatch(
        r"error file=nowhere,title=EP101-[0-9a-f]{4} startup validation failed%3A auth \(local%2C staging\)", head
    )
    assert "%0Awhat to do: " in message
    assert "\n" not in line


def test_a_clean_run_annotates_nothing() -> None:
    """And says so in its summary."""
    assert list(annotation_lines(clean_run())) == []
    assert step_summary(clean_run()).startswith("## ✅ envparity: nothing differs in shop")


@pytest.mark.parametrize(("findings", "lines"), [(9, 9), (10, 10), (11, 10), (300, 10)])
def test_there_are_at_most_10_annotations(findings: int, lines: int) -> None:
    """GitHub drops the others in silence, so the last one says how many there are."""
    written = list(annotation_lines(with_findings(findings)))
    assert len(written) == lines
    assert (f"{findings - 9} more findings" in written[-1]) is (findings > 10)


def test_what_a_backend_logged_is_no_command() -> None:
    """A line break in a message cannot begin another command, nor a comma or colon in a title another property."""
    text = "x\n::add-mask::y\r%0A,file=z::"
    (line,) = annotation_lines(with_findings(1, got=text, title=text))
    head, _, message = line.removeprefix("::").partition("::")
    assert head.count(",") == 1
    assert "\n" not in line
    assert "\r" not in line
    assert "%250A" in message
    assert "::" not in head
    assert "add-mask" in head


def test_what_a_backend_logged_is_no_markdown() -> None:
    """Neither a heading, a table's border, an image, a mention, nor the end of the block that quotes it."""
    evil = "a | b\n# c\n![d](e) @f <img src=x>\n````\n</details>"
    summary = step_summary(with_findings(1, got=evil, evidence=(Note(evil), Note(HOSTILE)), title=evil))
    outside = re.sub(r"(?ms)^(`{3,})\w+\n.*?^\1$", "", summary)
    assert "<img" not in outside
    assert "![d]" not in outside
    assert " @f" not in outside
    assert outside.count("</details>") == outside.count("<details")
    assert "`````text" in summary


def test_a_summary_stays_far_below_the_limit() -> None:
    """1 MiB is GitHub's; 300 findings of 20 kB each are cut, and the number left out is told."""
    summary = step_summary(with_findings(300, evidence=(Note("x" * 20_000),)))
    assert len(summary.encode()) < 210_000
    assert re.search(r"\d+ more findings, left out", summary)


def test_the_summary_goes_to_the_file_of_the_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Appended, for other tools write there too; without such a file it is printed."""
    file = tmp_path / "summary.md"
    file.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    printed = io.StringIO()
    tell_github(startup_run(), printed)
    assert file.read_text(encoding="utf-8").startswith("before\n## ❌ envparity: 1 finding in shop")
    assert [line[:7] for line in printed.getvalue().splitlines()] == ["::error"]
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    tell_github(startup_run(), printed)
    assert "## ❌" in printed.getvalue()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "none/summary.md"))
    with pytest.raises(OSError, match="none"):
        tell_github(startup_run(), printed)


def test_github_is_told_where_it_is_or_where_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auto` looks for GITHUB_ACTIONS."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert (wanted("auto"), wanted("on"), wanted("off")) == (True, True, False)
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert (wanted("auto"), wanted("on"), wanted("off")) == (False, True, False)
