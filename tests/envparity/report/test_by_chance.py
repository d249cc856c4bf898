"""What shows by chance in all environments alike, and what was unsteady, is told by every writer, and fails nothing."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import msgspec
import pytest

from envparity.judge import RULES
from envparity.judge.cause import Cause, Chance, PlayCount
from envparity.judge.finding import Finding
from envparity.report.github import annotation_lines, step_summary
from envparity.report.html.page import html_page
from envparity.report.junit import junit_xml
from envparity.report.sarif import sarif_json
from envparity.report.saved import SavedRun
from envparity.report.verdict import verdict_text
from envparity.report.wording import cause_text
from tests.envparity.report.recorded import clean_run

UNSTEADY = "local: scenario talk came to a deadline (in 1 of 2 boots, not when it booted alone)"
RATE = "shows in 3 of 10 boots of staging, and in 2 of 10 of local"


@pytest.fixture
def run() -> SavedRun:
    """A clean run, in which something showed by chance."""
    clean = clean_run()
    names = clean.verdict.environments
    chance = Chance(3, 10, elsewhere=2, of_elsewhere=10, failing="staging", passing="local")
    rule = next(rule for rule in RULES if rule.conduct.fails_startup)
    finding = Finding(rule.code, rule.title, "cache", "starts", "no room", names, names, cause=chance)
    verdict = msgspec.structs.replace(clean.verdict, by_chance=(finding,), unsteady=(UNSTEADY,))
    return msgspec.structs.replace(clean, verdict=verdict)


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_terminal_and_pytest_tell_it_behind_a_clean_verdict(run: SavedRun) -> None:
    text = flat(verdict_text(run.verdict))
    assert text.startswith("CLEAN")
    assert RATE in text
    assert UNSTEADY in text
    assert run.verdict.exit_code == 0


def test_html_tells_it(run: SavedRun) -> None:
    page = html_page(run, RULES).decode()
    assert RATE in page
    assert UNSTEADY in page


def test_junit_fails_no_test_case_and_tells_it_as_output(run: SavedRun) -> None:
    root = ET.fromstring(junit_xml(run))  # noqa: S314  written a moment ago
    assert root.attrib["failures"] == "0"
    assert all(RATE in flat(element.text or "") for element in root.iter("system-out"))
    assert any(element.attrib["value"] == UNSTEADY for element in root.iter("property"))


def test_sarif_has_a_note(run: SavedRun) -> None:
    (log,) = json.loads(sarif_json(run, RULES))["runs"]
    assert [result["level"] for result in log["results"]] == ["note"]
    assert RATE in log["results"][0]["message"]["text"]
    (invocation,) = log["invocations"]
    assert [notification["level"] for notification in invocation["toolExecutionNotifications"]] == ["note"]
    assert invocation["exitCode"] == 0


def test_github_has_a_notice_and_a_folded_part_of_the_summary(run: SavedRun) -> None:
    assert [line.partition(" ")[0] for line in annotation_lines(run)] == ["::notice"]
    assert RATE in step_summary(run)
    assert "unsteady: local: scenario talk came to a deadline" in step_summary(run)


def test_a_saved_run_keeps_it(run: SavedRun) -> None:
    kept = msgspec.json.decode(msgspec.json.encode(run.verdict), type=type(run.verdict))
    assert (kept.by_chance, kept.unsteady) == (run.verdict.by_chance, run.verdict.unsteady)


def test_plays_are_told_beside_boots_where_they_are_known() -> None:
    """What shows in every boot and not in every play of it reads as what it is."""
    chance = Chance(5, 5, of_elsewhere=5, failing="staging", passing="local", plays=PlayCount(7, 10))
    told = cause_text(chance)
    assert all(part in told for part in ("7 of 10 plays", "5 of 5 boots of staging", "0 of 5 of local"))
    assert "plays" not in cause_text(msgspec.structs.replace(chance, plays=None))


def test_a_run_that_was_saved_before_plays_were_counted_is_read() -> None:
    saved = b'{"type":"chance","shown":3,"of":10,"failing":"staging"}'
    assert msgspec.json.decode(saved, type=Cause) == Chance(3, 10, failing="staging")
