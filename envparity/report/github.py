"""GitHub Actions: a step summary in Markdown, and an annotation for each cause.

Limits, from GitHub's documentation of workflow commands: a step summary of 1 MiB (this one stays far below), and 10
error annotations a step, the others of which are dropped in silence. Whatever a backend logged is data here: it neither
becomes Markdown nor a workflow command.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final, Literal

from envparity.judge import conduct
from envparity.judge.entries import VerdictEntry, defects, entries, undeclared
from envparity.report.layout import printable
from envparity.report.places import places
from envparity.report.saved import SavedRun
from envparity.report.verdict import counted, found_text, headline, not_played, other_text
from envparity.report.wording import cause_text, evidence_lines

__all__ = ["CHOICES", "annotation_lines", "step_summary", "tell_github", "wanted"]

CHOICES: Final = ("auto", "on", "off")
_MOST_ANNOTATIONS = 10
_MOST_BYTES = 200_000
_MOST_QUOTED = 4000  # characters of one finding's evidence
_TITLE = 200
_NOTES = "By chance, and in no environment more often than in another"

Level = Literal["error", "warning", "notice"]


def wanted(choice: str) -> bool:
    """Whether GitHub is to be told: where it was asked for, and with `auto` in a step of GitHub Actions."""
    return choice == "on" or (choice == "auto" and os.environ.get("GITHUB_ACTIONS") == "true")


def tell_github(run: SavedRun, stream: IO[str] | None = None) -> None:
    """Write the annotations to `stream` (stdout), and append the summary to the file that GITHUB_STEP_SUMMARY names.

    Where it names none, the summary is printed too. Raises `OSError` where that file cannot be written.
    """
    stream = stream or sys.stdout
    for line in annotation_lines(run):
        stream.write(line + "\n")
    summary = step_summary(run)
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        stream.write(summary)
    else:
        with Path(name).open("a", encoding="utf-8") as file:
            file.write(summary)
    stream.flush()


def annotation_lines(run: SavedRun) -> Iterator[str]:
    """One workflow command for each defect, at most 10: where there are more, the last says how many.

    What only differs is a warning, what shows by chance in all environments alike a notice.
    """
    by_chance = entries(run.verdict.by_chance)
    findings = [*defects(run.verdict.findings), *entries(undeclared(run.verdict.findings)), *by_chance]
    room = _MOST_ANNOTATIONS if len(findings) <= _MOST_ANNOTATIONS else _MOST_ANNOTATIONS - 1
    for entry in findings[:room]:
        finding = entry.finding
        place = places(run.project, finding)[0]
        where = {"file": place.file, **({"line": str(place.line)} if place.line else {})}
        title = f"{finding.id} {finding.title} ({', '.join(finding.environments)})"
        level: Level = "notice" if entry in by_chance else "warning" if conduct(finding).apart else "error"
        yield _command(where | {"title": title[:_TITLE]}, _message(entry), level)
    if len(findings) > room:
        more = counted(len(findings) - room, "more finding")
        yield _command({"title": "envparity"}, f"{more}: they are in the step summary")


def step_summary(run: SavedRun) -> str:
    """The verdict in Markdown: what is wrong, where, what shows it, what to do. At most 200 kB."""
    verdict = run.verdict
    parts = [_head(run)]
    size = len(parts[0].encode())
    told = [*defects(verdict.findings), *entries(undeclared(verdict.findings))]
    for number, entry in enumerate(told):
        part = _finding(entry, verdict.environments)
        size += len(part.encode())
        if size > _MOST_BYTES:
            parts.append(f"\n{counted(len(told) - number, 'more finding')}, left out here for their size.\n")
            break
        parts.append(part)
    notes = "".join(_finding(each_entry, verdict.environments) for each_entry in entries(verdict.by_chance))
    notes += "".join(f"\n- unsteady: {_plain(text)}\n" for text in verdict.unsteady)
    if notes and size + len(notes.encode()) <= _MOST_BYTES:
        size += len(notes.encode())
        parts.append(f"\n<details><summary>{_NOTES}</summary>\n{notes}\n</details>\n")
    if verdict.exemptions:
        declaring: dict[tuple[str, str], list[str]] = {}
        for exemption in verdict.exemptions:
            declaring.setdefault((exemption.path, exemption.reason), []).append(exemption.environment)
        rows = "".join(
            f"| {_code(path)} | {_plain(', '.join(names))} | {_plain(reason)} |\n"
            for (path, reason), names in declaring.items()
        )
        title = f"{counted(len(verdict.exemptions), 'declared difference')} used"
        table = f"| path | environments | reason |\n|---|---|---|\n{rows}"
        if size + len(table.encode()) <= _MOST_BYTES:
            parts.append(f"\n<details><summary>{title}</summary>\n\n{table}\n</details>\n")
    return "".join(parts)


def _head(run: SavedRun) -> str:
    verdict = run.verdict
    mark, word = ("✅", "nothing differs") if verdict.clean else ("❌", found_text(verdict.findings))
    if verdict.broken_off:
        word = f"{_plain(headline(verdict))}: {_plain(verdict.broken_off)}"
    extent = ", ".join(
        (
            counted(len(verdict.environments), "environment"),
            counted(verdict.cases, "case"),
            counted(verdict.scenarios, "scenario"),
            counted(verdict.rules, "rule"),
        )
    )
    ran = f"run {_code(verdict.run_id)}, {verdict.duration_s:.0f} s"
    lines = [
        f"## {mark} envparity: {word} in {_plain(run.project.backend)}",
        "",
        f"{_plain(', '.join(verdict.environments))}; {extent}; {_plain(verdict.launcher)} launcher; {ran}",
        "",
    ]
    for name, url in verdict.attached.items():
        lines += [f"{_plain(name)} was not booted: it was looked at where it runs, {_plain(url)}", ""]
    if verdict.reason:
        lines += [f"Why the {_plain(verdict.launcher)} launcher: {_plain(verdict.reason)}", ""]
    if verdict.cannot_check:
        lines += [f"Not checked by this launcher: {_plain('; '.join(verdict.cannot_check))}", ""]
    if verdict.notes:
        lines += [f"Never matched: {_plain('; '.join(verdict.notes))}", ""]
    if verdict.varying:
        lines += [f"Varies: {_plain('; '.join(verdict.varying))}", ""]
    if verdict.left_out:
        lines += [f"Not played: {_plain('; '.join(not_played(verdict)))}", ""]
    return "\n".join(lines)


def _finding(entry: VerdictEntry, environments: Sequence[str]) -> str:
    finding = entry.finding
    others = [name for name in environments if name not in finding.environments]
    seen = ", ".join(finding.environments) + (f" (not in {', '.join(others)})" if others else "")
    lines = ["", f"### {finding.id} {_plain(finding.title)}", ""]
    if cause := cause_text(finding.cause):
        lines += [f"**Cause: {_plain(cause)}**", ""]
    lines += [
        "| | |",
        "|---|---|",
        f"| seen in | {_plain(seen)} |",
        f"| where | {_plain(finding.where)} |",
        f"| expected | {_plain(finding.expected)} |",
        f"| got | {_plain(finding.got)} |",
        "",
    ]
    if evidence := evidence_lines(finding):
        lines += [
            "<details open><summary>evidence</summary>",
            "",
            _fenced("\n".join(evidence)),
            "",
            "</details>",
            "",
        ]
    if entry.others:
        lines += [
            "**The same cause:**",
            "",
            *(f"- {_plain(other_text(each_finding))}" for each_finding in entry.others),
            "",
        ]
    if finding.action:
        lines += [f"**What to do:** {_plain(finding.action)}", ""]
    if finding.replay:
        lines += ["**Replay:**", "", _fenced(finding.replay, "sh"), ""]
    return "\n".join(lines)


def _message(entry: VerdictEntry) -> str:
    finding = entry.finding
    cause = cause_text(finding.cause)
    parts = [f"cause: {cause}"] if cause else []
    parts += [f"expected {finding.expected}", f"got {finding.got}"]
    parts += [f"the same cause: {other_text(each_finding)}" for each_finding in entry.others]
    parts += [f"what to do: {finding.action}"] if finding.action else []
    return "\n".join([*parts, f"replay: {finding.replay}"] if finding.replay else parts)


def _command(properties: dict[str, str], message: str, level: Level = "error") -> str:
    """`::error file=…,title=…::message`, escaped as the runner reads it: a property ends at a comma or a colon."""
    written = ",".join(f"{name}={_data(value, ':,')}" for name, value in properties.items())
    return f"::{level} {written}::{_data(message)}"


def _data(text: str, more: str = "") -> str:
    text = printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
    for character in more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _plain(text: str) -> str:
    """The text as it is, on one line: no character of it is Markdown, HTML, a mention or a table's border."""
    one_line = " ".join(printable(text).split())
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~$-])", r"\\\1", one_line)
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "@&#8203;")


def _code(text: str) -> str:
    """The text as code within a line, also in a table."""
    one_line = " ".join(printable(text).split()).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", one_line)), default=0))
    return f"{fence} {one_line} {fence}" if "`" in one_line else f"`{one_line}`"


def _fenced(text: str, language: str = "text") -> str:
    """A code block with a fence that the text cannot close (CommonMark §4.5)."""
    text = printable(text)
    if len(text) > _MOST_QUOTED:
        text = f"{text[:_MOST_QUOTED]}\n… {len(text) - _MOST_QUOTED} characters more"
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"
