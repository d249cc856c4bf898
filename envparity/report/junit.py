"""JUnit XML: a suite for each environment, a test case for each boot's startup and for each scenario that it played.

A finding is the failure of the test case that shows it; what fails only because of it is skipped, and says of which. So
the number of red test cases is that of causes, environment by environment, and not of what followed from them. The
elements and attributes are those of the Ant and Jenkins schemas that CI systems agree on.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from envparity.judge import conduct
from envparity.judge.finding import Finding
from envparity.model.reach import LeftOut
from envparity.observe.record import Observation
from envparity.report.kinds import Report
from envparity.report.layout import printable
from envparity.report.saved import SavedRun
from envparity.report.verdict import findings_text, launchers

__all__ = ["REPORT", "junit_xml"]

_WIDTH = 110
_STARTUP = "startup"
_WHOLE = "the run"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 §2.2


@dataclass
class _Test:
    """One test case: where it stands, what is wrong with it, and what it only follows from."""

    place: str
    name: str
    time_s: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    follows: list[Finding] = field(default_factory=list)
    left_out: str = ""
    error: str = ""


def junit_xml(run: SavedRun) -> bytes:
    """The run as JUnit XML in UTF-8."""
    suites = [(name, _tests(run, name)) for name in run.verdict.environments]
    if run.verdict.broken_off:
        suites.append((_WHOLE, [_Test(_WHOLE, "came to its end", error=run.verdict.broken_off)]))
    every = [test for _, tests in suites for test in tests]
    root = ET.Element("testsuites", _counts(every) | {"name": f"envparity {_text(run.project.backend)}"})
    for index, (name, tests) in enumerate(suites):
        root.append(_suite(run, index, name, tests))
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _tests(run: SavedRun, environment: str) -> list[_Test]:
    """Every test case of one environment, the findings put where they show."""
    observations = [observation for observation in run.observations if observation.case.environment == environment]
    tests = [test for observation in observations for test in _boot(observation)]
    tests += [_Test(environment, out.scenario, left_out=out.needs) for out in _left_out(run, environment)]
    by_place = {(test.place, test.name): test for test in tests}
    by_id = {each_finding.id: each_finding for each_finding in run.verdict.findings}
    for finding in run.verdict.findings:
        if environment not in finding.environments:
            continue
        home = _home(finding, environment, by_place)
        root = by_id.get(finding.under)
        if root is not None and environment in root.environments:  # its failure is another test case's
            for key, test in by_place.items():
                if key == home or (test.name in finding.scenarios and key[0] == home[0]):
                    test.follows.append(root)
            continue
        if home not in by_place:
            by_place[home] = _Test(*home)
            tests.append(by_place[home])
        by_place[home].findings.append(finding)
        for key, test in by_place.items():
            if key != home and test.name in finding.scenarios and key[0] == home[0]:
                test.follows.append(finding)
    return tests


def _boot(observation: Observation) -> Iterator[_Test]:
    place = str(observation.case)
    yield _Test(place, _STARTUP, observation.timings.get("boot", 0.0))
    for script in observation.transcripts:
        yield _Test(place, script.scenario, script.duration_s)


def _left_out(run: SavedRun, environment: str) -> Iterator[LeftOut]:
    yield from (out for out in run.verdict.left_out if out.environment == environment)


def _home(finding: Finding, environment: str, tests: dict[tuple[str, str], _Test]) -> tuple[str, str]:
    """The test case whose failure the finding is: its scenario, a boot's startup, or one of its own."""
    scenario = next((key for key in tests if key[1] == finding.scenario), None)
    if conduct(finding).family in {"startup", "environment"}:
        return next((key for key in tests if key[1] == _STARTUP and key[0] == environment), (environment, _STARTUP))
    if scenario is not None:
        return scenario
    return environment, f"{finding.code} {finding.where}"


def _suite(run: SavedRun, index: int, environment: str, tests: Sequence[_Test]) -> ET.Element:
    attributes = {
        "name": _text(environment),
        "id": str(index),
        "package": _text(run.project.backend),
        "timestamp": run.project.began[:19],
        "hostname": "localhost",
    }
    suite = ET.Element("testsuite", attributes | _counts(tests))
    properties = ET.SubElement(suite, "properties")
    verdict = run.verdict
    launcher = launchers(verdict.launcher, verdict.attached)
    facts = {"run": verdict.run_id, "launcher": launcher, "backend": run.project.file}
    facts |= {"never matched": "; ".join(verdict.notes)} if verdict.notes else {}
    facts |= {"varies": "; ".join(verdict.varying)} if verdict.varying else {}
    facts |= {"unsteady": "; ".join(verdict.unsteady)} if verdict.unsteady else {}
    facts |= {"not checked": "; ".join(verdict.cannot_check)} if verdict.cannot_check else {}
    facts |= {"why this launcher": verdict.reason} if verdict.reason else {}
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": name, "value": _text(value)})
    for test in tests:
        suite.append(_case(run, test))
    by_chance = [finding for finding in verdict.by_chance if environment in finding.environments]
    output = ET.SubElement(suite, "system-out")
    output.text = _text(findings_text(by_chance, verdict.environments, _WIDTH)) or None
    ET.SubElement(suite, "system-err")
    return suite


def _case(run: SavedRun, test: _Test) -> ET.Element:
    case = ET.Element(
        "testcase",
        {"classname": _text(f"{run.project.backend}.{test.place}"), "name": _text(test.name), "time": _s(test.time_s)},
    )
    if test.findings:
        first = test.findings[0]
        more = f", and {len(test.findings) - 1} more" if len(test.findings) > 1 else ""
        message = f"{first.id} {first.title}: expected {first.expected}, got {first.got}{more}"
        failure = ET.SubElement(case, "failure", {"type": first.code, "message": _text(message)})
        failure.text = _text(findings_text(test.findings, run.verdict.environments, _WIDTH))
    elif test.follows:
        ET.SubElement(
            case, "skipped", {"message": _text(f"follows from {', '.join(follow.id for follow in test.follows)}")}
        )
    elif test.error:
        ET.SubElement(case, "error", {"type": "broken off", "message": _text(test.error)})
    elif test.left_out:
        ET.SubElement(case, "skipped", {"message": _text(f"not played because attached: needs {test.left_out}")})
    return case


def _counts(tests: Sequence[_Test]) -> dict[str, str]:
    return {
        "tests": str(len(tests)),
        "failures": str(sum(bool(test.findings) for test in tests)),
        "errors": str(sum(bool(test.error) for test in tests)),
        "skipped": str(sum(bool(test.follows or test.left_out) and not test.findings for test in tests)),
        "time": _s(sum(test.time_s for test in tests)),
    }


def _s(seconds: float) -> str:
    return f"{seconds:.3f}"


def _text(text: str) -> str:
    """Without what no XML document may hold, escaped or not."""
    return _NOT_XML.sub("\ufffd", printable(text))


REPORT = Report("Write JUnit XML: by environment and scenario.", lambda run, _rules: junit_xml(run))
