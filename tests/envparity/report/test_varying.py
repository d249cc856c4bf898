"""What varies although nobody says whether it ought to is told by the writers for people, and fails nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import msgspec

from envparity.judge import RULES
from envparity.report.github import step_summary
from envparity.report.html.page import html_page
from envparity.report.junit import junit_xml
from envparity.report.saved import SavedRun
from envparity.report.verdict import verdict_text
from tests.envparity.report.recorded import clean_run

VARIES = "report.instance is not the same between boots of local"
NEVER = "volatile names 'id'"


def run() -> SavedRun:
    """A clean run with one of each."""
    clean = clean_run()
    verdict = msgspec.structs.replace(clean.verdict, notes=(NEVER,), varying=(VARIES, "another"))
    return msgspec.structs.replace(clean, verdict=verdict)


def test_the_terminal_tells_it_behind_a_clean_verdict() -> None:
    """Each on lines of its own, and apart from what was never matched."""
    lines = [" ".join(line.split()) for line in verdict_text(run().verdict).splitlines()]
    assert lines[0] == "CLEAN"
    assert lines.index(f"varies {VARIES}") == lines.index(f"never matched {NEVER}") + 1
    assert "another" in lines


def test_html_junit_and_the_summary_of_github_tell_it() -> None:
    assert f"Varies: </strong>{VARIES}; another" in html_page(run(), RULES).decode()
    root = ET.fromstring(junit_xml(run()))  # noqa: S314  written a moment ago
    assert {"varies": f"{VARIES}; another", "never matched": NEVER}.items() <= {
        element.attrib["name"]: element.attrib["value"] for element in root.iter("property")
    }.items()
    assert f"Varies: {VARIES}; another" in step_summary(run())
