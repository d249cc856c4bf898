"""A verdict of what was seen before the machine gave out is called that in every report, and is never clean."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import msgspec
import pytest

from envparity.judge import every_rule
from envparity.report.attested import claimed
from envparity.report.github import step_summary
from envparity.report.html.page import html_page
from envparity.report.junit import junit_xml
from envparity.report.sarif import sarif_json
from envparity.report.saved import SavedRun
from envparity.report.verdict import headline, verdict_text
from tests.envparity.report.recorded import apart_run, clean_run

WHY = "the engine is gone <b>"
RUNS = {"clean so far": clean_run(), "red so far": apart_run()}


@pytest.fixture(params=RUNS)
def run(request: pytest.FixtureRequest) -> SavedRun:
    whole = RUNS[request.param]
    return msgspec.structs.replace(whole, verdict=msgspec.structs.replace(whole.verdict, broken_off=WHY, planned=9))


def test_it_is_never_clean(run: SavedRun) -> None:
    assert (run.verdict.clean, run.verdict.exit_code) == (False, 3)
    assert headline(run.verdict).startswith("BROKEN OFF: ")
    assert f"in {run.verdict.cases} of 9 cases" in headline(run.verdict)
    assert WHY in verdict_text(run.verdict)
    assert claimed(run).verdict == "red"


def test_junit_has_an_error_of_its_own(run: SavedRun) -> None:
    root = ET.fromstring(junit_xml(run))  # noqa: S314  written a moment ago
    assert root.attrib["errors"] == "1"
    assert [element.attrib["message"] for element in root.iter("error")] == [WHY]


def test_sarif_says_that_it_was_not_successful(run: SavedRun) -> None:
    (invocation,) = json.loads(sarif_json(run, every_rule()))["runs"][0]["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 3)
    assert WHY in invocation["toolExecutionNotifications"][0]["message"]["text"]


def test_html_and_githubs_summary_say_it(run: SavedRun) -> None:
    """The words of whoever ended it are shown, and are no markup."""
    page = html_page(run, every_rule()).decode()
    assert "Broken off" in page
    assert "the engine is gone &lt;b&gt;" in page
    told = step_summary(run).splitlines()[0]
    assert told.startswith("## ❌ envparity: BROKEN OFF: ")
