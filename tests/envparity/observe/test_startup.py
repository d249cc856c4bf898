"""A startup report becomes the same shape whatever the backend calls its fields; what is wrong with it is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envparity.model.backend import ReportMapping
from envparity.observe.record import CheckResult, StartupFailure, StartupReport, StartupStep
from envparity.observe.startup import read_log, read_report

DEFAULT = ReportMapping()


def read(**served: Any) -> StartupReport:
    return read_report({"status": "pass"} | served, DEFAULT)


def test_the_reference_shape() -> None:
    """Every field arrives, and the document is kept whole."""
    served: dict[str, object] = {
        "status": "fail",
        "order": ["settings", "redis"],
        "steps": [
            {"name": "settings", "requires": [], "outcome": "passed", "started": "2025-09-08T01:17:51Z",
             "duration_ms": 2.5, "attempts": 1, "waited_for": None},
            {"name": "redis", "requires": ["settings"], "outcome": "failed", "started": None, "duration_ms": 900,
             "attempts": 7, "waited_for": "redis"},
        ],
        "checks": {
            "redis:tls": [{"component": "redis", "critical": False, "status": "warn", "observed": 1, "expected": 2}],
        },
        "failures": [{"code": "UNREACHABLE", "component": "redis", "description": "no answer", "action": "start it"}],
    }  # fmt: skip
    report = read_report(served, DEFAULT, http_status=503)
    assert report == StartupReport(
        status="fail",
        order=("settings", "redis"),
        steps=(
            StartupStep("settings", (), "passed", "2025-09-08T01:17:51Z", 2.5, 1, None),
            StartupStep("redis", ("settings",), "failed", None, 900.0, 7, "redis"),
        ),
        checks=(CheckResult("redis:tls", "redis", critical=False, status="warn", observed=1, expected=2),),
        failures=(StartupFailure("UNREACHABLE", "redis", "no answer", "start it"),),
        document=served,
        problems=(),
        http_status=503,
    )


def test_another_shape_by_dotted_paths() -> None:
    """Objects by name, other words for the same, other names for a description."""
    mapping = ReportMapping(
        status="app.state", order="app.boot.order", steps="app.boot.steps", checks="components", failures="app.errors",
        passed=("up",), starting=("booting",),
    )  # fmt: skip
    served = {
        "app": {
            "state": "UP",
            "boot": {"order": ["db"], "steps": {"db": {}}},
            "errors": {"db": {"code": "E1", "message": "slow"}, "mq": {"code": "E2", "detail": "gone"}},
        },
        "components": {"db": {"status": "up"}, "mq": {"status": "down", "observedValue": 3}},
    }
    report = read_report(served, mapping)
    assert (report.status, report.order, report.steps) == ("pass", ("db",), (StartupStep("db"),))
    assert report.checks == (
        CheckResult("db", "db", critical=True, status="pass"),
        CheckResult("mq", "mq", critical=True, status="fail", observed=3),
    )
    assert report.failures == (StartupFailure("E1", "db", "slow"), StartupFailure("E2", "mq", "gone"))
    assert report.problems == ()
    assert report.http_status is None
    assert read_report({"app": {"state": "Booting"}}, mapping).status == "starting"


@pytest.mark.parametrize(
    ("word", "status"),
    [("pass", "pass"), ("OK", "pass"), ("healthy", "pass"), ("starting", "starting"), ("fail", "fail"), ("odd", "fail"),
     (True, "pass"), (False, "fail")],
)  # fmt: skip
def test_status_words(word: Any, status: str) -> None:
    """What is neither passed nor starting failed."""
    assert read(status=word).status == status


@pytest.mark.parametrize("served", [None, "text", [1], 3])
def test_a_body_that_is_no_object(served: Any) -> None:
    """Unreadable, and what stands there is shown."""
    report = read_report(served, DEFAULT, http_status=200)
    assert report.status == "unreadable"
    assert report.problems == (f"the startup report is no JSON object but {served!r}",)
    assert report.http_status == 200


@pytest.mark.parametrize(
    ("served", "found"),
    [({}, "nothing"), ({"status": ""}, "''"), ({"status": 3}, "3"), ({"status": {"a": 1}}, "{'a': 1}")],
)
def test_a_report_without_a_status(served: dict[str, Any], found: str) -> None:
    """An error page of the backend's own, for example."""
    report = read_report(served, DEFAULT)
    assert (report.status, report.problems) == ("unreadable", (f"no status at 'status': {found} stands there",))
    assert report.document is served


@pytest.mark.parametrize(
    ("served", "problem"),
    [
        ({"order": "settings"}, "order is no list of names but 'settings'"),
        ({"order": [1]}, "order is no list of names but [1]"),
        ({"steps": 3}, "steps is neither a list nor an object but 3"),
        ({"steps": ["x"]}, "steps[0] is no object but 'x'"),
        ({"steps": [{"outcome": "passed"}]}, "steps[0] has no name"),
        ({"steps": [{"name": "a", "requires": "b"}]}, "steps[0].requires is no list of names but 'b'"),
        ({"steps": [{"name": "a", "requires": [1]}]}, "steps[0].requires is no list of names but [1]"),
        ({"checks": [{"status": "pass"}]}, "checks[0] has neither name nor component"),
        ({"checks": [{"name": "a"}]}, "check a has no status"),
        ({"checks": {"a": [3]}}, "checks.a is no object but 3"),
        ({"failures": [{"component": "a"}]}, "failures[0] has no code"),
        ({"failures": [{"code": "A"}]}, "failures[0] has no component"),
        ({"failures": [{}]}, "failures[0] has no code and no component"),
        ({"failures": ["x" * 100]}, f"failures[0] is no object but '{'x' * 76}..."),
    ],
)
def test_what_cannot_be_read_is_a_problem(served: dict[str, Any], problem: str) -> None:
    """In one line, and the rest is read nevertheless."""
    report = read(**served)
    assert report.problems == (problem,)
    assert report.status == "pass"


def test_what_is_not_there_is_no_problem() -> None:
    """A backend need have none of these."""
    for served in ({}, {"order": None, "steps": None, "checks": None, "failures": None}):
        report = read(**served)
        assert (report.order, report.steps, report.checks, report.failures, report.problems) == ((), (), (), (), ())
    assert read(failures=[{}]).failures == (StartupFailure("", "", ""),)
    assert read_report({"a": 1}, ReportMapping(status="a.b")).status == "unreadable"


def test_checks_go_by_many_names() -> None:
    """The key above them, their name, their key or their component; verdicts by the words that pass."""
    checks = [{"name": "n", "status": "OK"}, {"key": "k", "status": "warning"}, {"component": "c", "status": "skipped"}]
    report = read(checks=[*checks, {"name": "b", "component": "c", "status": False}, {"name": "t", "status": True}])
    assert [(check.name, check.component, check.status) for check in report.checks] == [
        ("n", "n", "pass"), ("k", "k", "warn"), ("c", "c", "skipped"), ("b", "c", "fail"), ("t", "t", "pass"),
    ]  # fmt: skip
    assert read(checks={"db:tls": [{"status": "pass"}]}).checks[0].component == "db"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400, True, "3", None])
def test_numbers_that_are_none_give_the_default(number: Any) -> None:
    """A count is a count."""
    assert read(steps=[{"name": "a", "attempts": number, "duration_ms": number}]).steps == (StartupStep("a"),)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["status", "order", "steps", "checks", "failures"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=3),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["name", "requires", "status", "code", "component", "attempts"]), inner, max_size=3
                )
            ),
            max_leaves=10,
        ),
    )
)
def test_reading_never_raises(served: dict[str, Any]) -> None:
    """Whatever is served, there is a report, and it says what was wrong."""
    assert read_report(served, DEFAULT).document is served


# Logs.

BY_LOG = ReportMapping(
    log_passed=r"ready to serve", log_failed=r"FATAL (?P<component>\w+): (?P<code>E\d+) (?P<description>.*)"
)


def test_a_log_that_says_nothing_of_it() -> None:
    """Without patterns there is no report; before either was seen it is starting."""
    assert read_log(["x"], DEFAULT) is None
    report = read_log(["loading"], BY_LOG)
    assert report is not None
    assert (report.status, report.failures) == ("starting", ())


def test_a_log_that_passes_or_fails() -> None:
    """A failure anywhere is a failure, said once; the groups fill it in."""
    passed = read_log(["loading", "now ready to serve"], BY_LOG)
    assert passed is not None
    assert (passed.status, passed.document) == ("pass", {"status": "pass", "failures": []})
    line = "12:00 FATAL redis: E7 no answer"
    failed = read_log([line, line, "ready to serve"], BY_LOG)
    assert failed is not None
    assert (failed.status, failed.failures) == ("fail", (StartupFailure("E7", "redis", "no answer"),))
    assert failed.document["failures"] == [{"component": "redis", "code": "E7", "description": "no answer"}]


def test_one_pattern_is_enough() -> None:
    """Without groups the line itself describes the failure."""
    failed = read_log([" it FAILED "], ReportMapping(log_failed="FAILED"))
    assert failed is not None
    assert failed.failures == (StartupFailure("logged", "startup", "it FAILED"),)
    never = read_log(["ready to serve"], ReportMapping(log_failed="FAILED"))
    assert never is not None
    assert never.status == "starting"
    passed = read_log(["FAILED", "up"], ReportMapping(log_passed="up"))
    assert passed is not None
    assert passed.status == "pass"
