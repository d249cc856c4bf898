"""One defect is one entry in every writer, and what only differs stands apart from what is broken."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import msgspec
import pytest
from msgspec.structs import replace

from envparity.judge import RULES
from envparity.judge.cause import Cause, Chance, Everywhere, NotFound, Search, TraitsCause
from envparity.judge.entries import defects, entries, undeclared, with_entries
from envparity.judge.finding import Finding, Judgement
from envparity.report.github import annotation_lines, step_summary
from envparity.report.html.page import html_page
from envparity.report.junit import junit_xml
from envparity.report.sarif import sarif_json
from envparity.report.saved import SavedRun
from envparity.report.verdict import headline, verdict_text
from tests.envparity.report.recorded import clean_run

CAUSE = TraitsCause((("MODE=strict",),), search=Search("local", "staging", 3, boots=2))
OTHER = TraitsCause((("MODE=strict",),), search=Search("local", "staging", 3, boots=0, shared=2))


def found(code: str, where: str, cause: Cause | None = CAUSE) -> Finding:
    title = f"title of {where}"
    return Finding(code, title, where, "well", "ill", ("staging",), ("staging",), scenario="chat", cause=cause)


CLOSE = found("EP403", "close of chat", OTHER)
STARTUP = found("EP101", "auth")
ELSEWHERE = found("EP301", "other", TraitsCause((("LIMIT=3",),)))
SETTING = replace(found("EP203", "LIMIT", None), scenario=None)


@pytest.fixture
def run() -> SavedRun:
    clean = clean_run()
    judged = with_entries(Judgement((STARTUP, CLOSE, ELSEWHERE, SETTING), (), 30))
    return replace(clean, verdict=replace(clean.verdict, findings=judged.findings))


def test_what_shares_a_cause_is_one_entry_under_the_root() -> None:
    """However it was searched for; the root is the one that other findings of its boot follow from."""
    judged = with_entries(Judgement((CLOSE, ELSEWHERE, STARTUP, SETTING), (), 30)).findings
    assert [(defect.finding.code, [other.code for other in defect.others]) for defect in defects(judged)] == [
        ("EP301", []),
        ("EP101", ["EP403"]),
    ]
    assert [finding.code for finding in undeclared(judged)] == ["EP203"]


def test_what_shows_with_the_same_couple_is_one_entry_though_nobody_can_take_that_apart() -> None:
    """With the couple each shows, and without it passes; what was merely not found has nothing in common."""
    couple = NotFound("not taken apart", (("NAME=a", "HOST=b"),))
    both = (found("EP101", "auth", couple), found("EP301", "chat", couple))
    assert [len(defect.findings) for defect in defects(with_entries(Judgement(both, (), 30)).findings)] == [2]
    spent = replace(couple, why="out of boots")
    both = (found("EP101", "auth", spent), found("EP301", "chat", spent))
    assert len(defects(with_entries(Judgement(both, (), 30)).findings)) == 2


def test_what_shows_everywhere_has_no_cause_in_common() -> None:
    """Two defects of the backend are two."""
    both = (found("EP101", "auth", Everywhere()), found("EP301", "chat", Everywhere()))
    assert len(defects(with_entries(Judgement(both, (), 30)).findings)) == 2


LOST = replace(found("EP310", "chat", Everywhere()), symptom="frame error too_many_connections")


def told(*findings: Finding) -> list[list[str]]:
    """The places of the findings of each entry, the one that stands for them first."""
    judged = with_entries(Judgement(findings, (), 30)).findings
    return [[finding.where for finding in entry.findings] for entry in defects(judged)]


def test_what_clients_met_alike_is_one_entry_though_no_difference_makes_it() -> None:
    """In an environment that shows both; what is compared between environments stands under what one of them does."""
    again = replace(LOST, where="history")
    compared = replace(LOST, code="EP405", where="chat again", cases=("local", "staging"))
    elsewhere = replace(LOST, code="EP405", where="other", environments=("cloud",), cases=("local", "cloud"))
    assert told(LOST, again, compared, elsewhere) == [["chat", "history", "chat again", "other"]]


def test_of_what_clients_met_alike_that_stands_for_all_of_which_a_cause_is_known() -> None:
    """Where the others have none, nothing is lost that was found."""
    unknown = replace(LOST, where="history", cause=None)
    assert told(unknown, LOST) == [["chat", "history"]]


@pytest.mark.parametrize(
    "other",
    [
        replace(LOST, where="other", symptom="timeout"),
        replace(LOST, where="other", symptom=""),
        replace(LOST, where="other", environments=("production",), cases=("production",)),
        replace(LOST, where="other", cause=CAUSE),
        replace(LOST, where="other", cause=Chance(1, 3)),
    ],
)
def test_what_has_another_symptom_place_or_cause_keeps_its_own_entry(other: Finding) -> None:
    assert told(LOST, other) == [["chat"], ["other"]]


def test_a_finding_whose_root_is_not_shown_stands_alone() -> None:
    """Where only some findings are asked for."""
    judged = with_entries(Judgement((STARTUP, CLOSE), (), 30)).findings
    assert [entry.finding.code for entry in entries(judged[1:])] == ["EP403"]


def test_the_terminal_counts_defects_and_tells_differences_apart(run: SavedRun) -> None:
    """The one that shares a cause is a line, not a finding of its own."""
    assert headline(run.verdict) == "RED: 2 findings and 1 undeclared difference"
    text = verdict_text(run.verdict, 200)
    assert text.index(STARTUP.title) < text.index(CLOSE.title) < text.index(ELSEWHERE.title) < text.index(SETTING.title)
    assert text.count("cause        MODE=strict alone") == 1


def test_junit_has_a_failure_for_each_defect(run: SavedRun) -> None:
    """What shares a cause is skipped, and says whose it is."""
    root = ET.fromstring(junit_xml(run))  # noqa: S314  our own
    assert {element.get("type") for element in root.iter("failure")} == {"EP101", "EP301", "EP203"}


def test_sarif_has_a_result_for_each_defect_and_a_warning_for_a_difference(run: SavedRun) -> None:
    """What shares a cause is a related location."""
    results = msgspec.json.decode(sarif_json(run, RULES))["runs"][0]["results"]
    assert [(result["ruleId"], result["level"], len(result.get("relatedLocations", ()))) for result in results] == [
        ("EP101", "error", 1),
        ("EP301", "error", 0),
        ("EP203", "warning", 0),
    ]


def test_github_annotates_each_defect_once(run: SavedRun) -> None:
    """And warns of differences; the summary names what shares a cause under its root."""
    assert [line.partition(" ")[0] for line in annotation_lines(run)] == ["::error", "::error", "::warning"]
    assert step_summary(run).count("### ") == 3


def test_the_page_shows_what_shares_a_cause_behind_its_root(run: SavedRun) -> None:
    """Every finding is on it all the same."""
    page = html_page(run, RULES).decode()
    assert all(f'id="{finding.id}"' in page for finding in run.verdict.findings)
    assert "1 finding more with the same cause" in page
