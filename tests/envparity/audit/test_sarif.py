"""An audit as SARIF 2.1.0: the structure that the standard asks for, and nothing that it does not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft202012Validator

from envparity.audit.rules import RULES
from envparity.audit.sarif import sarif
from tests.envparity.audit.conftest import Audited

SOURCES = {
    "app/read me.py": "",
    "app/key.py": "import os\n\nKEY = os.environ.get('KEY')\n",
    "app/other.py": "import os\nX = os.environ.get('X')  # envparity: allow EP658 because the launcher needs it\n",
    "app/optional.py": "import nowhere_at_all\n",
}


def closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    properties = required | (optional or {})
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


TEXT = closed({"text": {"type": "string", "minLength": 1}})
LEVEL = {"enum": ["none", "note", "warning", "error"]}
# Written from the standard's own words: §3.13 sarifLog, §3.14 run, §3.18 tool, §3.49 reportingDescriptor, §3.27 result.
SCHEMA = closed(
    {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": closed(
                {
                    "tool": closed(
                        {
                            "driver": closed(
                                {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string", "pattern": r"^\d+\.\d+\.\d+"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": closed(
                                            {
                                                "id": {"type": "string"},
                                                "name": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "fullDescription": TEXT,
                                                "help": TEXT,
                                                "defaultConfiguration": closed({"level": LEVEL}),
                                            }
                                        ),
                                    },
                                }
                            )
                        }
                    ),
                    "invocations": {
                        "type": "array",
                        "items": closed(
                            {
                                "executionSuccessful": {"type": "boolean"},
                                "exitCode": {"type": "integer"},
                                "toolExecutionNotifications": {
                                    "type": "array",
                                    "items": closed({"level": LEVEL, "message": TEXT}),
                                },
                            }
                        ),
                    },
                    "originalUriBaseIds": {"type": "object", "additionalProperties": closed({"description": TEXT})},
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": closed(
                            {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": LEVEL,
                                "message": TEXT,
                                "locations": {
                                    "type": "array",
                                    "items": closed(
                                        {
                                            "physicalLocation": closed(
                                                {
                                                    "artifactLocation": closed(
                                                        {"uri": {"type": "string", "format": "uri-reference"}},
                                                        {"uriBaseId": {"type": "string"}},
                                                    ),
                                                    "region": closed({"startLine": {"type": "integer", "minimum": 1}}),
                                                }
                                            ),
                                            "logicalLocations": {
                                                "type": "array",
                                                "items": closed(
                                                    {
                                                        "fullyQualifiedName": {"type": "string"},
                                                        "kind": {"const": "module"},
                                                    }
                                                ),
                                            },
                                        }
                                    ),
                                },
                                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                            },
                            {
                                "suppressions": {
                                    "type": "array",
                                    "items": closed(
                                        {
                                            "kind": {"enum": ["inSource", "external"]},
                                            "status": {"enum": ["accepted", "underReview", "rejected"]},
                                            "justification": {"type": "string", "minLength": 1},
                                        }
                                    ),
                                }
                            },
                        ),
                    },
                }
            ),
        },
    }
)


@pytest.fixture
def log(audited: Audited, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The log file of an audit that has a finding, an exempted one and a note, as it is read back."""
    monkeypatch.chdir(tmp_path)
    read: dict[str, Any] = json.loads(json.dumps(sarif(audited(SOURCES))))
    return read


def test_the_structure_is_the_standards(log: dict[str, Any]) -> None:
    """Every object has what it must have, and no property that SARIF does not know."""
    Draft202012Validator.check_schema(SCHEMA)
    assert not [error.message for error in Draft202012Validator(SCHEMA).iter_errors(log)]


def test_a_result_leads_to_its_rule_and_line(log: dict[str, Any], tmp_path: Path) -> None:
    """The index is that of the rule; the address is relative to where the audit was started."""
    run = log["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [rule.code for rule in RULES]
    result, exempted = run["results"]
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "EP658"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "app/key.py", "uriBaseId": "ROOT"}
    assert place["region"] == {"startLine": 3}
    assert exempted["suppressions"][0]["justification"] == "the launcher needs it"
    assert "nowhere_at_all" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_a_file_elsewhere_has_a_whole_address(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below another folder than the working one."""
    monkeypatch.chdir("/")
    report = audited(SOURCES)
    written: Any = sarif(report)
    uri = written["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert not Path(unquote(uri)).is_absolute()
    assert Path("/", unquote(urlsplit(uri).path)).is_file()


def test_a_finding_that_moves_stays_the_same(audited: Audited) -> None:
    """Its fingerprint has no line in it."""
    first: Any = sarif(audited(SOURCES))
    before = first["runs"][0]["results"][0]["partialFingerprints"]
    moved = SOURCES | {"app/key.py": "\n\n" + SOURCES["app/key.py"]}
    again: Any = sarif(audited(moved))
    assert again["runs"][0]["results"][0]["partialFingerprints"] == before
