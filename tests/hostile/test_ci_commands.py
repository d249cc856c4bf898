"""Nothing that a backend wrote is a command to a CI's runner, whichever writer tells of it: GitHub's, or GitLab's."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest

from envparity.engine.events import RunFinished
from envparity.judge import every_rule
from envparity.report.github import annotation_lines, step_summary
from envparity.report.kinds import REPORTS, make_report
from envparity.report.saved import SavedRun
from envparity.report.terminal import PlainTerminal
from envparity.report.verdict import verdict_text
from tests.envparity.report.recorded import startup_run

COMMANDS = {
    "GitLab's section": "section_start:1700000000:x[collapsed=true]\r\x1b[0Khidden\nsection_end:1700000000:x\r\x1b[0K",
    "GitLab's section, in other colours": "\x1b[0Ksection_start:1700000000:x\r\x1b[0K\x1b[36;1mhidden\x1b[0m",
    "GitLab's section, in a sequence": "section_start:1700000000:x\r\x1b\x1b[0K[0K",
    "GitLab's section, by C1": "section_start:1700000000:x\r\x9b0K",
    "GitLab's section behind a break": "x\r\nsection_start:1700000000:x\r\x1b[0K",
    "GitHub's error": "x\n::error file=a,line=1::not so",
    "GitHub's mask": "x\n  ::add-mask::a",
    "GitHub's stop": "x\r\n::stop-commands::token",
    "GitHub's group": "x\n##[group]hidden",
    "GitHub's error behind a sequence": "x\n\x1b[0m::error::not so",
}
# What the runners look for: GitLab at a carriage return and an erased line, GitHub at the beginning of a line, and for
# the older form anywhere.
GITLAB = re.compile(r"section_(?:start|end):\d+:[\w.\-\[\]=,]*\r(?:\x1b\[|\x9b)0?K")
GITHUB = re.compile(r"^\s*::[A-Za-z][^\n]*::|##\[", re.MULTILINE)


def plain(run: SavedRun) -> str:
    stream = io.StringIO()
    PlainTerminal(stream).handle(RunFinished(run.verdict))
    return stream.getvalue()


PRINTED: dict[str, Callable[[SavedRun], str]] = {
    "the terminal": plain,
    "the verdict": lambda run: verdict_text(run.verdict),
    "GitHub's summary": step_summary,
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("writer", PRINTED)
def test_nothing_that_is_printed_holds_a_command_of_a_backend(writer: str, command: str) -> None:
    text = PRINTED[writer](startup_run(COMMANDS[command]))
    assert not GITLAB.search(text)
    assert not GITHUB.search(text)
    assert not re.search("[\r\x1b\x9b]", text)


@pytest.mark.parametrize("command", COMMANDS)
def test_annotations_are_those_of_envparity_alone(command: str) -> None:
    """A line for each, whatever stands in it."""
    told = list(annotation_lines(startup_run(COMMANDS[command])))
    assert len(told) == len(list(annotation_lines(startup_run("made at import"))))
    for line in told:
        assert GITHUB.search(line)
        assert not re.search("[\r\n\x1b\x9b]", line)
        assert not re.search(r"##\[", line)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("report", sorted(REPORTS.entries()))
def test_no_report_is_a_command_to_who_prints_it(report: str, command: str) -> None:
    """As `cat` does in a step of its own: each report of a run."""
    text = make_report(report, startup_run(COMMANDS[command]), every_rule()).decode("utf-8")
    assert not GITLAB.search(text)
    assert not re.search("[\r\x1b\x9b]", text)
