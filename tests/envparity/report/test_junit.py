"""JUnit XML as CI systems read it: their elements and attributes, counts that add up, causes and not what followed."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import msgspec
import pytest

from envparity.model.reach import LeftOut
from envparity.report.junit import junit_xml
from envparity.report.saved import SavedRun
from tests.envparity.report.recorded import HOSTILE, apart_run, clean_run, startup_run

# The schemas of Ant's and of Jenkins's JUnit reports, where they agree: children in their order, and attributes.
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["properties", "testcase", "system-out", "system-err"],
    "properties": ["property"],
    "testcase": ["skipped", "error", "failure"],
}
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped", "time"},
    "testsuite": {"name", "id", "package", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"},
    "property": {"name", "value"},
    "testcase": {"name", "classname", "time"},
    "failure": {"type", "message"},
    "skipped": {"message"},
}


def parsed(run: SavedRun) -> ET.Element:
    return ET.fromstring(junit_xml(run))  # noqa: S314  written a moment ago


@pytest.mark.parametrize("run", [clean_run(), startup_run(HOSTILE), apart_run()])
def test_the_structure_is_that_of_the_known_schemas(run: SavedRun) -> None:
    """No element or attribute that they do not know, in their order, with the types that they ask for."""
    for element in parsed(run).iter():
        names = [child.tag for child in element]
        order = CHILDREN.get(element.tag, [])
        assert sorted(names, key=order.index) == names
        assert set(element.attrib) == ATTRIBUTES.get(element.tag, set())
        for name in {"tests", "failures", "errors", "skipped", "id"} & set(element.attrib):
            assert element.attrib[name].isdigit()
        assert re.fullmatch(r"\d+\.\d{3}", element.attrib.get("time", "0.000"))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", element.attrib.get("timestamp", "2025-09-08T01:17:51"))


@pytest.mark.parametrize("run", [clean_run(), startup_run(), apart_run()])
def test_the_counts_are_those_of_the_test_cases(run: SavedRun) -> None:
    """Of every suite, and of all together."""
    root = parsed(run)
    for element in (root, *root.findall("testsuite")):
        cases = list(element.iter("testcase"))
        assert int(element.attrib["tests"]) == len(cases) > 0
        assert int(element.attrib["failures"]) == sum(case.find("failure") is not None for case in cases)
        assert int(element.attrib["skipped"]) == sum(case.find("skipped") is not None for case in cases)


def test_a_clean_run_has_a_suite_for_each_environment_and_no_failure() -> None:
    """Its startup and its scenarios are the test cases."""
    root = parsed(clean_run())
    assert [element.attrib["name"] for element in root] == ["local", "staging"]
    assert [element.attrib["name"] for element in root[1].iter("testcase")] == ["startup", "chat"]
    assert root.attrib["failures"] == "0"


def test_what_was_not_checked_and_why_stands_with_the_launcher() -> None:
    """As properties of each suite; a launcher that checks all has neither."""
    usual = clean_run()
    verdict = msgspec.structs.replace(usual.verdict, cannot_check=("the image", "nginx"), reason="no engine")
    suites = [parsed(usual)[0], parsed(msgspec.structs.replace(usual, verdict=verdict))[0]]
    told = [{element.attrib["name"]: element.attrib["value"] for element in suite.iter("property")} for suite in suites]
    assert told[1].items() - told[0].items() == {
        ("not checked", "the image; nginx"),
        ("why this launcher", "no engine"),
    }


def test_a_failed_startup_is_one_failure_and_what_followed_is_skipped() -> None:
    """The scenario that it took down names the finding."""
    run = startup_run()
    staging = parsed(run)[1]
    finding = run.verdict.findings[0]
    failure = staging.find("testcase[@name='startup']/failure")
    skipped = staging.find("testcase[@name='chat']/skipped")
    assert failure is not None
    assert skipped is not None
    assert failure.attrib["message"].startswith(finding.id)
    assert "made at import" in (failure.text or "")
    assert finding.id in skipped.attrib["message"]


def test_a_parity_finding_fails_its_scenario_where_it_shows() -> None:
    """And nowhere else: local is what staging is compared with."""
    root = parsed(apart_run())
    assert root[0].attrib["failures"] == "0"
    assert [element.attrib["name"] for element in root[1].iter("testcase") if element.find("failure") is not None] == [
        "chat"
    ]


def test_whatever_a_backend_logged_it_is_xml() -> None:
    """Control characters are spelled out, and characters that no XML may hold are replaced."""
    text = junit_xml(startup_run(HOSTILE + "\x00\ufffe")).decode("utf-8")
    ET.fromstring(text)  # noqa: S314  written a moment ago
    assert not re.search("[\x00-\x08\x1b\ufffe]", text)


def test_what_was_not_played_because_attached_is_skipped_and_says_why() -> None:
    """Counted, and by what it would need; the suite names where its environment was observed."""
    run = clean_run()
    left_out = (LeftOut("staging", "rolling", "a replica to be stopped"),)
    verdict = msgspec.structs.replace(run.verdict, attached={"staging": "wss://a.example"}, left_out=left_out)
    root = parsed(msgspec.structs.replace(run, verdict=verdict))
    skipped = root.findall("testsuite[@name='staging']/testcase[@name='rolling']/skipped")
    assert [element.get("message") for element in skipped] == [
        "not played because attached: needs a replica to be stopped"
    ]
    assert root.get("skipped") == "1"
    launcher = root.find("testsuite/properties/property[@name='launcher']")
    assert launcher is not None
    assert str(launcher.get("value")).endswith("; staging attached to wss://a.example")
