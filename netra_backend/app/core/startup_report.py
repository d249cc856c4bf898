"""The startup report, in the shape of `application/health+json` (draft-inadarei-api-health-check-06)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import netra_backend
from netra_backend.app.core.checks import Check, ChecksMade
from netra_backend.app.core.moments import rfc3339

if TYPE_CHECKING:
    from netra_backend.app.core.startup import Startup, StepRecord
    from netra_backend.app.settings import SettingsReading

MEDIA_TYPE = "application/health+json"
API_VERSION = "1"


def startup_report(startup: Startup, reading: SettingsReading) -> dict[str, Any]:
    """Everything that is known about this start, safe to show. `status` is pass, fail, or (our extension) starting."""
    settings = reading.settings
    return {
        "status": startup.status,
        "version": API_VERSION,
        "releaseId": netra_backend.__version__,
        "serviceId": "netra_backend",
        "description": "startup of the reference backend",
        "environment": settings.environment if settings else None,
        "release": settings.release if settings else None,
        "order": list(startup.order),
        "steps": [_step(startup.records[name]) for name in (startup.order or startup.records)],
        "checks": _checks(startup),
        "failures": [failure._asdict() for failure in startup.failures],
        "settings": reading.fingerprints(),
    }


def _step(record: StepRecord) -> dict[str, Any]:
    return {
        "name": record.name,
        "requires": list(record.requires),
        "started": rfc3339(record.started) if record.started else None,
        "duration_ms": record.duration_ms,
        "outcome": record.outcome,
        "attempts": record.attempts,
        "waited_for": record.waited_for,
    }


def _checks(startup: Startup) -> dict[str, list[dict[str, Any]]]:
    checks = [
        Check(record.name, "startup", observed=record.outcome, expected="passed")
        for record in startup.records.values()
        if record.outcome in {"failed", "skipped"}
    ]
    checks.extend(startup.services.of(ChecksMade).checks)
    return {
        f"{check.component}:{check.measurement}": [
            {
                "component": check.component,
                "critical": check.critical,
                "status": check.status,
                "observed": check.observed,
                "expected": check.expected,
            }
        ]
        for check in checks
    }
