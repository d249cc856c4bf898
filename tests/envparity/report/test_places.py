"""A finding whose cause came from a file of the deployment points to the line there, in every report."""

from __future__ import annotations

import json

import msgspec
import pytest
from msgspec.structs import replace

from envparity.isolate import Trait
from envparity.isolate.part import Part
from envparity.isolate.trait_places import trait_places
from envparity.judge import RULES
from envparity.judge.cause import CausePlace, Search, TraitsCause
from envparity.model.environment import Environment, Ingress, Platform
from envparity.model.project import Project
from envparity.report.github import annotation_lines
from envparity.report.kinds import make_report
from envparity.report.places import FileLine, places
from envparity.report.sarif import sarif_json
from envparity.report.saved import SavedRun
from envparity.report.verdict import verdict_text
from tests.envparity.judge.builders import BACKEND
from tests.envparity.report.recorded import described, startup_run

FROM_COMPOSE = Environment(
    name="staging",
    settings={"LIMIT": "30"},
    platform=Platform(memory_mib=512),
    ingress=Ingress(kind="nginx"),
    places={"settings.LIMIT": "deploy/compose.yaml:14", "platform.memory_mib": "deploy/compose.yaml:20",
            "ingress": "deploy/ingress.yaml:3", "image": "deploy/compose.yaml:5"},
)  # fmt: skip
TYPED = Environment(name="local", settings={"OTHER": "1"}, places={"settings.OTHER": ".env:2"})


@pytest.fixture
def run() -> SavedRun:
    """A run whose finding has a cause that stands in a compose file."""
    recorded = startup_run()
    cause = TraitsCause(
        (("LIMIT=30",),),
        search=Search("local", "staging", 3),
        places=(CausePlace("staging", "settings.LIMIT", "deploy/compose.yaml", 14),),
    )
    findings = tuple(replace(finding, cause=cause) for finding in recorded.verdict.findings)
    return replace(recorded, verdict=replace(recorded.verdict, findings=findings))


def test_the_region_in_sarif_is_the_line_of_the_cause(run: SavedRun) -> None:
    """First of all places, before the scenario."""
    assert places(run.project, run.verdict.findings[0])[0] == FileLine("deploy/compose.yaml", 14)
    location = json.loads(sarif_json(run, RULES))["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "deploy/compose.yaml"
    assert location["region"] == {"startLine": 14}


def test_so_is_the_annotation_and_what_people_read(run: SavedRun) -> None:
    """GitHub's, the terminal's, and the HTML report; JSON has it as data."""
    annotation = next(iter(annotation_lines(run)))
    assert annotation.startswith("::error file=deploy/compose.yaml,line=14,")
    assert "deploy/compose.yaml:14" in verdict_text(run.verdict)
    assert b"deploy/compose.yaml:14" in make_report("html", run, RULES)
    cause = json.loads(msgspec.json.encode(run.verdict))["findings"][0]["cause"]
    assert cause["places"] == [
        {"environment": "staging", "key": "settings.LIMIT", "file": "deploy/compose.yaml", "line": 14}
    ]


def test_a_finding_about_a_setting_points_to_the_file_that_gives_it() -> None:
    """Also where no cause is known."""
    project = described(Project(BACKEND, {"local": TYPED, "staging": FROM_COMPOSE}, "2025-09-08"))
    finding = replace(startup_run().verdict.findings[0], where="LIMIT", environments=("staging",), scenario=None)
    assert places(project, finding) == (FileLine("deploy/compose.yaml", 14),)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Part("setting", "LIMIT"), "deploy/compose.yaml:14"),
        (Part("setting", "OTHER"), ".env:2"),
        (Part("platform", "memory_mib"), "deploy/compose.yaml:20"),
        (Part("ingress", "idle_timeout_s"), "deploy/ingress.yaml:3"),
        (Part("backend", "image"), "deploy/compose.yaml:5"),
        (Part("dependency", "postgres", "tls"), None),
    ],
)
def test_a_trait_stands_where_its_parts_do(part: Part, expected: str | None) -> None:
    """In the failing environment's files, else the passing one's; of a table's key that no file says, the table's."""
    found = trait_places([Trait((part,), "as the file says it")], TYPED, FROM_COMPOSE)
    assert [str(place) for place in found] == ([expected] if expected else [])
