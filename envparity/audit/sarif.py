"""An audit as SARIF 2.1.0 (OASIS Standard, 27 March 2020), for whatever shows findings beside the code."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

from envparity.audit.finding import AuditFinding, AuditReport
from envparity.audit.rules import RULES

__all__ = ["sarif"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "ROOT"
_INDEX = {rule.code: place for place, rule in enumerate(RULES)}


def sarif(report: AuditReport) -> dict[str, object]:
    """The log file, as JSON types. An exempted finding is a result that is suppressed in the source (§3.35)."""
    results = [_result(finding) for finding in report.findings]
    for item, reason in report.exempted:
        suppression = {"kind": "inSource", "status": "accepted", "justification": reason}
        results.append({**_result(item), "suppressions": [suppression]})
    driver = {
        "name": "envparity",
        "semanticVersion": version("envparity"),
        "rules": [
            {
                "id": rule.code,
                "name": rule.title,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.description},
                "help": {"text": rule.action},
                "defaultConfiguration": {"level": "error"},
            }
            for rule in RULES
        ],
    }
    notes = [{"level": "note", "message": {"text": note}} for note in report.notes]
    invocation = {
        "executionSuccessful": True,
        "exitCode": report.exit_code,
        "toolExecutionNotifications": notes,
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The folder that the audit was started in."}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(finding: AuditFinding) -> dict[str, object]:
    text = "\n".join([f"{finding.title}: {finding.got}", *finding.evidence])
    identity = f"{finding.code} {finding.module} {finding.got}"
    return {
        "ruleId": finding.code,
        "ruleIndex": _INDEX[finding.code],
        "level": "error",
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(finding.path),
                    "region": {"startLine": finding.line},
                },
                "logicalLocations": [{"fullyQualifiedName": finding.module, "kind": "module"}],
            }
        ],
        # Without the line: a finding that moves in its file stays the same one.
        "partialFingerprints": {"envparity/v1": hashlib.sha256(identity.encode()).hexdigest()[:32]},
    }


def _artifact(path: str) -> dict[str, str]:
    """Relative to where the audit was started, or absolute."""
    if Path(path).is_absolute():
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(Path(path).as_posix()), "uriBaseId": _ROOT}
