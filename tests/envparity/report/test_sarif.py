"""SARIF 2.1.0 as the standard has it, with fingerprints that outlive the run and lines that exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from envparity.judge import RULES
from envparity.report.places import FileLine, places
from envparity.report.sarif import sarif_json
from envparity.report.saved import SavedRun, SavedScenario
from tests.envparity.report.recorded import HOSTILE, apart_run, clean_run, startup_run


def closed(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    """The schema of an object that has these properties and no others."""
    properties = required | (optional or {})
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def several(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


STRING = {"type": "string", "minLength": 1}
TEXT = closed({"text": STRING})
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = closed(
    {"id": STRING, "name": STRING, "shortDescription": TEXT, "fullDescription": TEXT,
     "help": closed({"text": STRING, "markdown": STRING}), "defaultConfiguration": closed({"level": LEVEL}),
     "properties": closed({"tags": several(STRING)})},
)  # fmt: skip
LOCATION = closed(
    {"physicalLocation": closed(
        {"artifactLocation": closed({"uri": {"type": "string", "format": "uri-reference"}}, {"uriBaseId": STRING})},
        {"region": closed({"startLine": {"type": "integer", "minimum": 1}})},
    )}
)  # fmt: skip
RESULT = closed(
    {"ruleId": STRING, "level": LEVEL, "kind": {"const": "fail"}, "message": TEXT,
     "locations": several(LOCATION, minItems=1), "partialFingerprints": {"type": "object", "minProperties": 1},
     "properties": {"type": "object"}},
    {"ruleIndex": {"type": "integer", "minimum": 0}},
)  # fmt: skip
# Written from the standard's words: §3.13 sarifLog, §3.14 run, §3.18 tool, §3.20 invocation, §3.27 result, §3.49 rule.
SCHEMA = closed(
    {"$schema": {"type": "string"}, "version": {"const": "2.1.0"}, "runs": several(closed(
        {"tool": closed({"driver": closed({"name": STRING, "semanticVersion": STRING, "rules": several(RULE)})}),
         "automationDetails": closed({"id": STRING}),
         "invocations": several(closed({"executionSuccessful": {"type": "boolean"}, "exitCode": {"type": "integer"}})),
         "originalUriBaseIds": {"type": "object", "additionalProperties": closed({"description": TEXT})},
         "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]}, "results": several(RESULT)},
    ), minItems=1)},
)  # fmt: skip


def log(run: SavedRun) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(sarif_json(run, RULES))
    return decoded


@pytest.mark.parametrize("run", [clean_run(), startup_run(HOSTILE), apart_run()])
def test_it_is_what_the_standard_describes(run: SavedRun) -> None:
    """Every property known, every required one there; each result points to its rule."""
    written = log(run)
    Draft202012Validator(SCHEMA).validate(written)
    (only,) = written["runs"]
    assert [only["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] for result in only["results"]] == [
        finding.code for finding in run.verdict.findings
    ]
    assert only["invocations"][0]["exitCode"] == run.verdict.exit_code


def test_every_rule_brings_its_help() -> None:
    """What `envparity explain` says, with its headings in bold."""
    rules = {rule["id"]: rule for rule in log(clean_run())["runs"][0]["tool"]["driver"]["rules"]}
    assert set(rules) == {rule.code for rule in RULES}
    assert rules["EP101"]["shortDescription"]["text"] == "startup validation failed"
    assert "**What to do**" in rules["EP101"]["help"]["markdown"]


def test_a_fingerprint_is_the_same_in_the_next_run() -> None:
    """The incidental detail may differ; the finding is one."""
    first, other = (log(run)["runs"][0]["results"][0] for run in (startup_run("at 0x7f"), startup_run("at 0x8a")))
    assert first["partialFingerprints"] == other["partialFingerprints"]
    different = log(apart_run())["runs"][0]["results"][0]["partialFingerprints"]
    assert different != first["partialFingerprints"]


def test_a_finding_points_to_the_line_of_what_it_is_about() -> None:
    """A setting to its line in the environment's file, a scenario to its own in the backend's; else to the file."""
    run = startup_run()
    staging = replace(run.project.environments[1], lines={"settings.LIMIT": 7})
    project = replace(
        run.project,
        environments=(run.project.environments[0], staging),
        scenarios=(SavedScenario("chat", "", "g", 12),),
    )
    (finding,) = run.verdict.findings
    here = replace(finding, environments=("staging",), scenario=None)
    assert places(project, replace(here, where="LIMIT")) == (FileLine("nowhere", 7),)
    assert places(project, replace(here, scenario="chat")) == (FileLine("nowhere"), FileLine("backend.toml", 12))
    assert places(project, replace(finding, environments=("gone",), scenario=None)) == (FileLine("backend.toml"),)


def test_a_path_is_a_uri() -> None:
    """Relative to the folder of the run, with what a URI may not hold escaped; one outside is absolute."""
    run = startup_run()
    (only,) = (environment for environment in run.project.environments if environment.name == "staging")
    for file, uri in (("my envs/a b.toml", "my%20envs/a%20b.toml"), ("/srv/x.toml", Path("/srv/x.toml").as_uri())):
        project = replace(run.project, environments=(replace(only, file=file),))
        location = log(replace(run, project=project))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
        assert location["artifactLocation"]["uri"] == uri
