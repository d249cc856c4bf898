"""Reports of frameworks, read by their names."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from envparity.config.backend import read_backend
from envparity.model.backend import HealthPaths, ReportFormat, ReportMapping
from envparity.observe.record import StartupReport
from envparity.observe.startup import read_report

SPRING: dict[str, Any] = {
    "status": "DOWN",
    "components": {
        "db": {"status": "DOWN", "details": {"error": "Connection refused"}},
        "caches": {"status": "UP", "components": {"redis": {"status": "UP", "details": {"version": "7.0.15"}}}},
        "diskSpace": {"status": "UP", "details": {"total": 500, "free": 123, "path": "/app/.", "exists": True}},
        "ping": {"status": "UNKNOWN"},
    },
}
STARTED = {
    "springBootVersion": "3.2.0",
    "timeline": {
        "startTime": "2031-01-01T00:00:00Z",
        "events": [
            {"startupStep": {"name": "spring.boot.application.starting", "id": 0}, "duration": "PT0.01S"},
            {"startupStep": {"name": "spring.beans.instantiate", "id": 1}, "duration": "PT0.02S"},
            {"startupStep": {"name": "spring.context.refresh", "id": 2}, "duration": "PT0.03S"},
            {"startupStep": {"name": "spring.context.refresh", "id": 3}, "duration": "PT0.04S"},
        ],
    },
}
DOTNET: dict[str, Any] = {
    "status": "Unhealthy",
    "totalDuration": "00:00:00.0523",
    "entries": {
        "npgsql": {"data": {}, "description": "28P01", "duration": "00:00:00.05", "status": "Unhealthy", "tags": []},
        "redis": {"data": {}, "duration": "00:00:00.01", "status": "Degraded", "tags": []},
    },
}
HEALTH: dict[str, Any] = {
    "status": "fail",
    "releaseId": "1.2.2",
    "checks": {
        "postgres:connections": [{"status": "fail", "time": "2031-01-01T00:00:00Z", "output": "too many clients"}],
        "cpu:utilization": [{"status": "warn", "observedValue": 85}, {"status": "pass", "observedValue": 12}],
    },
}


def read(served: Any, form: ReportFormat) -> StartupReport:
    """The report in that body."""
    return read_report(served, ReportMapping(format=form), http_status=503)


@pytest.mark.parametrize(
    ("form", "served", "checks", "failure"),
    [
        (
            "spring-boot",
            SPRING,
            {"db": "fail", "caches/redis": "pass", "diskSpace": "pass", "ping": "pass"},
            ("db", "Connection refused"),
        ),
        ("dotnet", DOTNET, {"npgsql": "fail", "redis": "warn"}, ("npgsql", "28P01")),
        (
            "health+json",
            HEALTH,
            {"postgres:connections": "fail", "cpu:utilization": "warn", "cpu:utilization#1": "pass"},
            ("postgres", "too many clients"),
        ),
    ],
)
def test_a_report_says_what_failed(
    form: ReportFormat, served: dict[str, Any], checks: dict[str, str], failure: tuple[str, str]
) -> None:
    """Each check by its name, and in a failure the words of the one that failed."""
    report = read(served, form)
    assert (report.status, report.problems) == ("fail", ())
    assert {check.name: check.status for check in report.checks} == checks
    assert [(failure.component, failure.description) for failure in report.failures] == [failure]


def test_a_report_that_passes_has_no_failure() -> None:
    """A warning is none, and neither is a word alone."""
    assert read({"status": "UP", "components": {"db": {"status": "UP"}}}, "spring-boot").status == "pass"
    assert read({"status": "warn", "checks": {"a:b": [{"status": "fail"}]}}, "health+json").failures == ()
    assert [read(word, "dotnet").status for word in ("Healthy", "Degraded", "Unhealthy")] == ["pass", "pass", "fail"]


def test_what_differs_in_every_run_is_not_compared() -> None:
    """Free space, durations, moments; what a version is stays."""
    again = copy.deepcopy(SPRING)
    again["components"]["diskSpace"]["details"]["free"] = 7
    assert read(again, "spring-boot").document == read(SPRING, "spring-boot").document
    again["components"]["caches"]["components"]["redis"]["details"]["version"] = "6.2"
    assert read(again, "spring-boot").document != read(SPRING, "spring-boot").document
    later = copy.deepcopy(DOTNET)
    later["totalDuration"] = later["entries"]["redis"]["duration"] = "00:00:09"
    assert read(later, "dotnet").document == read(DOTNET, "dotnet").document


def test_a_startup_timeline_is_its_steps_in_order() -> None:
    """Without the beans."""
    report = read(STARTED, "spring-boot")
    assert (report.status, report.order) == ("pass", ("spring.boot.application.starting", "spring.context.refresh"))
    assert [step.name for step in report.steps] == list(report.order)


@pytest.mark.parametrize("form", ["spring-boot", "dotnet", "health+json"])
@pytest.mark.parametrize("served", [None, 7, [], {}, {"status": 3}, {"status": "UP", "components": 1, "entries": []}])
def test_what_cannot_be_read_raises_nothing(form: ReportFormat, served: Any) -> None:
    """It is unreadable, or has no checks."""
    report = read(served, form)
    assert report.status in {"unreadable", "pass", "fail"}
    assert report.checks == ()


@pytest.mark.parametrize(("form", "path"), [("spring-boot", "/actuator/health"), ("dotnet", "/health")])
def test_a_format_has_a_path(tmp_path: Path, form: str, path: str) -> None:
    """Which [health] may say otherwise; other paths of a report do nothing beside it, and are a mistake."""
    file = tmp_path / "backend.toml"
    text = f'name = "a"\n[process]\ncommand = ["true"]\n[report]\nformat = "{form}"\n'
    file.write_text(f'{text}[health]\nlive = "/live"\n')
    backend, mistakes = read_backend(file)
    assert backend is not None, mistakes
    assert backend.health == HealthPaths("/live", path, path, None)
    file.write_text(f'{text}status = "state"\n')
    _, (mistake,) = read_backend(file)
    assert (mistake.line, mistake.key) == (6, "report.status")
