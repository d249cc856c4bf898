"""The page: one file, no request, no framework. It opens from a disk, in a mail, from a CI job's artifacts.

A content security policy allows the page's own style and script, by their hashes, and nothing else; it could not send
anything anywhere if it wanted to. What is long (transcripts, logs) lies in it as JSON and is drawn when it is opened.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files

from envparity.judge.finding import UsedDeclaration
from envparity.judge.rules import Rule
from envparity.report.html.conversations import PlayedScenario, played
from envparity.report.html.environments import environments_table
from envparity.report.html.findings import findings_section, verdict_header
from envparity.report.html.markup import Html, embedded_json, tag, visible
from envparity.report.html.profile import profile_table
from envparity.report.html.timeline import timelines
from envparity.report.saved import SavedRun
from envparity.report.verdict import counted, headline

__all__ = ["html_page"]

_OPENED = 3  # conversations that are drawn at once
_MARKS = {"kept": "kept to its script", "left": "left its script", "not played": "not played"}


def html_page(run: SavedRun, rules: Sequence[Rule]) -> bytes:
    """The whole report as one HTML document in UTF-8; `rules` say what their codes mean."""
    conversations = list(played(run))
    style, script = _resource("report.css"), _resource("report.js")
    sections = [
        ("findings", "Findings", findings_section(run, {rule.code: rule for rule in rules})),
        ("environments", "Environments", _section("environments", "Environments", environments_table(run))),
        ("startup", "Startup", _section("startup", "Startup, step by step", timelines(run))),
        (
            "conversations",
            "Conversations",
            _section("conversations", "Conversations", _conversations(run, conversations)),
        ),
        ("logs", "Logs", _section("logs", "The end of every log", _logs(run))),
        ("exemptions", "Exemptions", _section("exemptions", "Declared differences used", _exemptions(run))),
    ]
    sections.append(("profile", "Profile", _section("profile", "Where the time went", profile_table(run))))
    if run.verdict.coverage:
        sections.insert(3, ("orders", "Orders", _section("orders", "Orders", _orders(run))))
    data = {
        "environments": [visible(name) for name in run.verdict.environments],
        "conversations": [conversation.data for conversation in conversations],
        "logs": _log_lines(run),
    }
    links = [tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in sections]
    body = tag(
        "body",
        tag("a", "Skip to the findings", href="#findings", class_="skip"),
        verdict_header(run),
        tag("nav", tag("ul", links), aria_label="Sections"),
        tag("main", [section for *_, section in sections], id="main"),
        tag(
            "footer", tag("p", "envparity explain CODE says what a code means; envparity report makes this page again.")
        ),
        tag("script", embedded_json(data), type="application/json", id="data"),
        tag("script", Html(script)),
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{headline(run.verdict)} - {run.project.backend}"),
        tag("style", Html(style)),
    )
    page = f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"
    return page.encode("utf-8", "replace")


def _section(name: str, title: str, content: Html) -> Html:
    heading = tag("h2", title, id=f"{name}-heading")
    return tag("section", heading, content, id=name, aria_labelledby=f"{name}-heading")


def _conversations(run: SavedRun, conversations: Sequence[PlayedScenario]) -> Html:
    """A line for each scenario, by group; what matters is open, the rest is drawn when somebody opens it."""
    if not conversations:
        return tag("p", "None was held.", class_="nothing")
    named = {finding.scenario for finding in run.verdict.findings} | {
        name for finding in run.verdict.findings for name in finding.scenarios
    }
    groups: dict[str, list[tuple[int, PlayedScenario]]] = {}
    for index, each_conversation in enumerate(conversations):
        groups.setdefault(each_conversation.group, []).append((index, each_conversation))
    opened = [
        index
        for index, conversation in enumerate(conversations)
        if conversation.matters or conversation.scenario in named
    ][:_OPENED]
    drawn = []
    for group, members in groups.items():
        apart = sum(each_item.matters for _, each_item in members)
        words = f"{apart} of {len(members)} apart" if apart else f"{len(members)}, the same everywhere"
        items = [_conversation(index, item, opened=index in opened) for index, item in members]
        summary = tag(
            "summary", tag("h3", group.replace("_", " ")), tag("span", words, class_="bad" if apart else "quiet")
        )
        drawn.append(tag("details", summary, tag("div", items), open=bool(apart), class_="group"))
    noscript = tag("noscript", tag("p", "The transcripts are drawn by this page's script, which does not run here."))
    return Html(noscript + "".join(drawn))


def _conversation(index: int, first_played: PlayedScenario, *, opened: bool) -> Html:
    states = [
        tag("span", name, class_=f"state {state.replace(' ', '-')}", title=f"{name}: {_MARKS[state]}")
        for name, state in first_played.states.items()
    ]
    left = [name for name, state in first_played.states.items() if state == "left"]
    words = None
    if left:
        words = tag("span", f"left its script in {', '.join(left)}", class_="bad")
    elif first_played.first is not None:
        words = tag("span", f"differs at entry {first_played.first + 1}", class_="bad")
    boot = tag("span", f"booted {first_played.boot}", class_="quiet") if first_played.boot != "as it is" else None
    summary = tag(
        "summary", tag("code", first_played.scenario), tag("span", first_played.title, class_="title"), boot, words
    )
    unseen = tag("p", [tag("span", one_state, " ") for one_state in states], class_="unseen")
    return tag(
        "details",
        summary,
        unseen,
        tag("div", class_="transcript"),
        data_conversation=str(index),
        open=opened,
        class_="one",
    )


def _logs(run: SavedRun) -> Html:
    drawn = [
        tag("details", tag("summary", title), tag("div", class_="logs"), data_log=str(index))
        for index, (title, _) in enumerate(_log_lines(run))
    ]
    return Html("".join(drawn)) if drawn else tag("p", "No log was read.", class_="nothing")


def _log_lines(run: SavedRun) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """The logs of every boot by its title: of the replicas first, then of what stood around them."""
    ranks = {name: rank for rank, name in enumerate(run.verdict.environments)}
    logs = []
    for observation in sorted(run.observations, key=lambda each: (each.case.boot, ranks.get(each.case.environment, 0))):
        sources = [(f"replica {each.index + 1}", each.log_tail) for each in observation.replicas]
        sources += list(observation.infrastructure_logs.items())
        told = [(visible(source), [visible(line) for line in lines]) for source, lines in sources if lines]
        if told:
            logs.append((str(observation.case), told))
    return logs


def _exemptions(run: SavedRun) -> Html:
    if not run.verdict.exemptions:
        return tag("p", "None was used.", class_="nothing")
    declaring: dict[tuple[str, str], list[UsedDeclaration]] = {}
    for exemption in run.verdict.exemptions:
        declaring.setdefault((exemption.path, exemption.reason), []).append(exemption)
    head = tag("tr", [tag("th", item, scope="col") for item in ("path", "declared by", "because")])
    rows = [
        tag(
            "tr",
            tag("th", tag("code", path), scope="row"),
            tag("td", ", ".join(exemption.environment for exemption in used)),
            tag("td", reason),
        )
        for (path, reason), used in declaring.items()
    ]
    table = tag(
        "table",
        tag("caption", "Differences that the environments' files declare, and that this run saw", class_="unseen"),
        tag("thead", head),
        tag("tbody", rows),
        class_="exemptions",
    )
    region = tag("div", table, class_="wide", tabindex="0", role="region", aria_label="Declared differences")
    title = f"{counted(len(run.verdict.exemptions), 'declaration')}, each with its reason"
    return tag("details", tag("summary", title), region)


def _orders(run: SavedRun) -> Html:
    """What was booted in other orders, and how those boots ended."""
    ended: Mapping[str, dict[str, int]] = {planned.case: {} for planned in run.planned}
    for booted in run.booted:
        counts = ended.get(booted.case, {})
        counts[booted.startup] = counts.get(booted.startup, 0) + 1
    words = [
        f"{case}: {', '.join(f'{count} {how}' for how, count in counts.items())}" for case, counts in ended.items()
    ]
    items = [tag("li", text) for text in (*run.verdict.coverage, *(f"startup in {word}" for word in words))]
    return tag("ul", items)


def _policy(style: str, script: str) -> str:
    """Nothing is allowed but this very style and this very script (CSP Level 3)."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _resource(name: str) -> str:
    return files("envparity.report.html").joinpath(name).read_text(encoding="utf-8")
