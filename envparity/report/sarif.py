"""SARIF 2.1.0, for code scanning: every rule with its help, every finding with a fingerprint that outlives the run.

Source: OASIS SARIF 2.1.0, §3.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import msgspec

from envparity.judge import conduct
from envparity.judge.entries import VerdictEntry, entries
from envparity.judge.rules import Rule
from envparity.report.kinds import Report
from envparity.report.layout import printable
from envparity.report.places import FileLine, fingerprint, places, sentence
from envparity.report.saved import SavedRun
from envparity.report.verdict import findings_text, other_text

__all__ = ["REPORT", "sarif_json"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_WIDTH = 100


def sarif_json(run: SavedRun, rules: Sequence[Rule]) -> bytes:
    """The run's findings as one SARIF log in UTF-8; `rules` are those it was held against."""
    indices = {rule.code: index for index, rule in enumerate(rules)}
    driver = {
        "name": "envparity",
        "semanticVersion": version("envparity"),
        "rules": [_rule(rule) for rule in rules],
    }
    log = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"envparity/{run.project.backend}/{run.verdict.run_id}"},
                "invocations": [_invocation(run)],
                "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder in which envparity was run."}}},
                "columnKind": "unicodeCodePoints",
                "results": [
                    *(_result(run, entry, indices) for entry in entries(run.verdict.findings)),
                    *(_result(run, entry, indices, note=True) for entry in entries(run.verdict.by_chance)),
                ],
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(log), indent=1) + b"\n"


def _rule(rule: Rule) -> dict[str, object]:
    text = rule.description.strip()
    name = "".join(word.capitalize() for word in rule.title.split() if word.isalnum())
    return {
        "id": rule.code,
        "name": name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": _first_paragraph(text) or rule.title},
        "help": {"text": text or rule.action, "markdown": _as_markdown(text) or rule.action},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["environment-parity"]},
    }


def _invocation(run: SavedRun) -> dict[str, object]:
    """How the run ended, and what came to a deadline in it that did not show again."""
    broken_off = run.verdict.broken_off
    notes = [("error", f"broken off: {broken_off}")] if broken_off else []
    notes += [("note", f"unsteady: {each_text}") for each_text in run.verdict.unsteady]
    invocation: dict[str, object] = {"executionSuccessful": not broken_off, "exitCode": run.verdict.exit_code}
    if notes:
        invocation["toolExecutionNotifications"] = [
            {"level": level, "message": {"text": printable(text)}} for level, text in notes
        ]
    return invocation


def _result(run: SavedRun, entry: VerdictEntry, indices: dict[str, int], *, note: bool = False) -> dict[str, object]:
    """One defect: the finding that stands for it, and the others with its cause as what is related.

    A `note` shows by chance, in all environments alike.
    """
    finding = entry.finding
    result: dict[str, object] = {
        "ruleId": finding.code,
        "level": "note" if note else "warning" if conduct(finding).apart else "error",
        "kind": "fail",
        "message": {"text": sentence(finding)},
        "locations": [_location(place) for place in places(run.project, finding)],
        "partialFingerprints": {"envparityIdentity/v1": fingerprint(finding)},
        "properties": {
            "id": finding.id,
            "environments": list(finding.environments),
            "replay": finding.replay,
            "report": printable(findings_text(entry.findings, run.verdict.environments, _WIDTH)),
        },
    }
    if entry.others:
        result["relatedLocations"] = [
            _location(places(run.project, other)[0]) | {"message": {"text": printable(other_text(other))}}
            for other in entry.others
        ]
    if finding.code in indices:
        result["ruleIndex"] = indices[finding.code]
    return result


def _location(place: FileLine) -> dict[str, object]:
    path = Path(place.file)
    artifact = {"uri": path.as_uri()} if path.is_absolute() else {"uri": _relative(path), "uriBaseId": _ROOT}
    physical: dict[str, object] = {"artifactLocation": artifact}
    if place.line:
        physical["region"] = {"startLine": place.line}
    return {"physicalLocation": physical}


def _relative(path: Path) -> str:
    """A relative URI reference (RFC 3986 §4.2)."""
    return quote(path.as_posix())


def _first_paragraph(text: str) -> str:
    """What the rule means, without its heading."""
    paragraph = text.partition("\n\n")[0].splitlines()
    return " ".join(line.strip() for line in paragraph[1:]) if len(paragraph) > 1 else " ".join(paragraph)


def _as_markdown(text: str) -> str:
    """`explain`'s text with its headings in bold."""
    parts = []
    for part in text.split("\n\n"):
        heading, _, rest = part.partition("\n")
        parts.append(f"**{heading}**\n\n{rest}" if rest else part)
    return "\n\n".join(parts)


REPORT = Report("Write SARIF 2.1.0.", sarif_json)
