"""The page as a document: whole, closed to the network, small, and safe to open."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

from envparity.judge import RULES
from envparity.judge.cause import TraitsCause
from envparity.model.case import Boot
from envparity.observe.record import StartupStep
from envparity.report.html import html_page
from envparity.report.html.timeline import timelines
from envparity.report.saved import SavedRun, Saver, saved_runs
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import observation, replica, transcript
from tests.envparity.report.recorded import (
    HOSTILE,
    apart_run,
    clean_run,
    described,
    events_of,
    orders_run,
    run_of,
    startup_run,
)

VOID = {"meta", "br", "wbr"}


class Outline(HTMLParser):
    """Notes elements, text by element, ids and references; fails where an element is closed that was not opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text.append((self.open[-1], data))

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.seen if tag == name]

    def words(self) -> str:
        return " ".join(text for element, text in self.text if element not in {"style", "script"})


def outline(run: SavedRun) -> Outline:
    parsed = Outline()
    parsed.feed(html_page(run, RULES).decode("utf-8"))
    parsed.close()
    assert parsed.open == []
    return parsed


@pytest.fixture(params=[clean_run, startup_run, apart_run, orders_run])
def run(request: pytest.FixtureRequest) -> SavedRun:
    made: SavedRun = request.param()
    return made


def test_the_page_asks_for_nothing(run: SavedRun) -> None:
    """No element that loads, no address but its own parts, and no inline style that the policy would refuse."""
    parsed = outline(run)
    assert not {"link", "img", "iframe", "object", "form", "base"} & {tag for tag, _ in parsed.seen}
    assert not [
        attributes
        for _, attributes in parsed.seen
        if "src" in attributes or "style" in attributes or any(name[:2] == "on" for name in attributes)
    ]
    assert {str(attributes["href"])[0] for attributes in parsed.of("a")} == {"#"}
    assert "url(" not in html_page(run, RULES).decode("utf-8")
    assert "@import" not in html_page(run, RULES).decode("utf-8")


def test_the_policy_allows_this_style_and_this_script_alone(run: SavedRun) -> None:
    """Their hashes, and no `unsafe-inline`."""
    text = html_page(run, RULES).decode("utf-8")
    (policy,) = [attributes["content"] for attributes in outline(run).of("meta") if attributes.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for pattern in ("<style>(.*?)</style>", "<script>(.*?)</script>"):
        (content,) = re.findall(pattern, text, re.DOTALL)
        assert f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" in policy


def test_every_link_has_its_target_and_every_id_is_one(run: SavedRun) -> None:
    """So that a finding can be pointed to."""
    parsed = outline(run)
    ids = [str(attributes["id"]) for _, attributes in parsed.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {str(attributes["href"])[1:] for attributes in parsed.of("a")} <= set(ids)
    assert {finding.id for finding in run.verdict.findings} <= set(ids)
    assert {str(attributes["aria-labelledby"]) for attributes in parsed.of("section")} <= set(ids)


def test_the_first_words_say_what_is_red_and_where() -> None:
    """Verdict, finding, environments, what the backend said: before anything else."""
    words = outline(startup_run()).words()[:600]
    for text in ("Red", "startup validation failed: auth", "in local and staging", "FACTORY", "made at import"):
        assert text in words
    assert "Clean" in outline(clean_run()).words()[:200]


def test_a_cause_is_said_at_the_top() -> None:
    """It is what the reader came for."""
    run = startup_run()
    verdict = replace(run.verdict, findings=(replace(run.verdict.findings[0], cause=TraitsCause((("LIMIT=10",),))),))
    assert "LIMIT=10 alone" in outline(replace(run, verdict=verdict)).words()[:600]


def test_a_finding_has_all_that_there_is_to_it() -> None:
    """Expected, got, evidence, what to do, both commands, and what its code means."""
    run = startup_run()
    (finding,) = run.verdict.findings
    words = outline(run).words()
    for text in (finding.expected, finding.got, *evidence_lines(finding), finding.action, finding.replay):
        assert text in words
    assert f"envparity replay {finding.id}" in words
    assert "Why it matters" in words


def test_orders_are_told_where_there_were_any() -> None:
    """What was covered, and how those boots ended."""
    words = outline(orders_run()).words()
    assert "17 orders of strength 3" in words
    assert "16 pass" in words
    assert "Orders" not in outline(clean_run()).words()


def test_whatever_a_backend_says_stays_text() -> None:
    """In findings, transcripts, logs, settings and names: no element of the page is made by it."""
    honest, hostile = (outline(startup_run(text)) for text in ("made at import", HOSTILE))
    assert [tag for tag, _ in honest.seen] == [tag for tag, _ in hostile.seen]
    text = html_page(startup_run(HOSTILE), RULES).decode("utf-8")
    assert "<script>alert" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "<img" not in text


def test_a_page_of_a_big_clean_run_stays_small() -> None:
    """Three environments with 80 conversations of 20 frames each: below 1 MB."""
    entries = [event for _ in range(4) for event in transcript().events]
    scripts = tuple(transcript(*entries, scenario=f"scenario {number}") for number in range(80))
    run = run_of(*(observation(name, transcripts=scripts) for name in ("local", "staging")))
    assert len(html_page(run, RULES)) < 1_000_000


def test_a_saved_run_makes_the_same_page(tmp_path: Path) -> None:
    """Byte for byte what the run itself would have written."""
    pages: list[bytes] = []
    saver = Saver(described(), tmp_path, [lambda run: pages.append(html_page(run, RULES))])
    for event in events_of([observation("local"), observation("staging")]):
        saver.handle(event)
    from envparity.report.saved import read_run

    assert html_page(read_run(saved_runs(tmp_path)[0]), RULES) == pages[0]


def with_steps(environment: str, *steps: StartupStep, boot: Boot = Boot()) -> SavedRun:  # noqa: B008  frozen
    whole = replica()
    assert whole.startup is not None
    shown = replace(whole, startup=replace(whole.startup, steps=steps))
    return run_of(observation("local"), observation(environment, shown, boot=boot))


def test_steps_are_drawn_on_one_axis() -> None:
    """The longest environment gives the scale: half of it is half of the width in every column."""
    slow = (
        StartupStep("settings", started="2025-09-08T01:17:51.000Z", duration_ms=1000),
        StartupStep("redis", started="2025-09-08T01:17:52.000Z", duration_ms=1000, attempts=3, waited_for="redis"),
        StartupStep("auth", outcome="skipped"),
    )
    drawn = timelines(with_steps("staging", *slow))
    assert '<rect x="50.00%" width="50.00%" y="22%" height="56%" class="passed"/>' in drawn
    assert "3 attempts, waited for redis" in drawn
    assert ">skipped</text>" in drawn
    assert drawn.count(">2 s</text>") == 2


def test_times_that_are_none_draw_no_bar() -> None:
    """A report may say anything."""
    drawn = timelines(with_steps("staging", StartupStep("settings", started="yesterday", duration_ms=5)))
    assert "yesterday" not in drawn
    assert ">5 ms</text>" in drawn


def test_another_boot_is_folded_away() -> None:
    """Unless a finding speaks of it."""
    drawn = timelines(with_steps("staging", StartupStep("settings"), boot=Boot(down=("postgres",))))
    assert re.findall(r"<details( open)? ?class=\"boot\"|<details class=\"boot\"( open)?", drawn)
    assert "Booted postgres down" in drawn
