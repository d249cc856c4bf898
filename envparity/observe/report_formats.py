"""Health and startup reports of frameworks, by name, in the shape that the reference backend's own report has.

What differs in every run is left out: moments, durations, and numbers such as the free space of a disk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from envparity.model.backend import ReportFormat

__all__ = ["in_our_shape"]

_SPRING_PASSES = {"up", "unknown"}  # both are served with 200
_DOTNET = MappingProxyType({"healthy": "pass", "degraded": "warn"})
_BEANS = "spring.beans."  # one step for each bean: what is in an image, not how it starts
_DETAILS = ("error", "description", "exception", "output")


def in_our_shape(served: object, form: ReportFormat) -> object:
    """That decoded body as a document with status, checks, failures, and steps where it has them; else as it is."""
    return _FORMATS[form](served)


def _spring_boot(served: object) -> object:
    """`/actuator/health`, or `/actuator/startup`, which is there only once the application has started."""
    if not isinstance(served, dict):
        return served
    timeline = served.get("timeline")
    if isinstance(timeline, dict):
        names = list(dict.fromkeys(_steps(timeline.get("events"))))
        return {"status": "pass", "order": names, "steps": [{"name": name} for name in names]}
    checks = {name: _of_spring(found) for name, found in _components(served)}
    return _document(_spring_status(served.get("status")), checks)


def _steps(events: object) -> Iterator[str]:
    for event in events if isinstance(events, list) else ():
        step = event.get("startupStep") if isinstance(event, dict) else None
        name = step.get("name") if isinstance(step, dict) else None
        if isinstance(name, str) and not name.startswith(_BEANS):
            yield name


def _components(served: Mapping[str, object], above: str = "") -> Iterator[tuple[str, Mapping[str, object]]]:
    """Each contributor by its path; one that is composed of others by these."""
    components = served.get("components")
    for name, found in components.items() if isinstance(components, dict) else ():
        if isinstance(found, dict) and isinstance(found.get("components"), dict):
            yield from _components(found, f"{above}{name}/")
        elif isinstance(found, dict):
            yield f"{above}{name}", found


def _of_spring(found: Mapping[str, object]) -> dict[str, object]:
    details = found.get("details")
    steady = {
        key: value
        for key, value in (details.items() if isinstance(details, dict) else ())
        if isinstance(value, str | bool) and key not in _DETAILS
    }
    return {"status": _spring_status(found.get("status")), **({"observed": steady} if steady else {}), **_said(details)}


def _spring_status(value: object) -> object:
    return ("pass" if value.lower() in _SPRING_PASSES else "fail") if isinstance(value, str) else value


def _dotnet(served: object) -> object:
    """What `HealthChecks.UI.Client` writes; or the word alone, which is what ASP.NET Core writes by itself."""
    if isinstance(served, str):
        return _document(_dotnet_status(served), {})
    if not isinstance(served, dict):
        return served
    entries = served.get("entries")
    found = entries.items() if isinstance(entries, dict) else ()
    checks = {
        name: {"status": _dotnet_status(entry.get("status")), **_said(entry)}
        for name, entry in found
        if isinstance(entry, dict)
    }
    return _document(_dotnet_status(served.get("status")), checks)


def _dotnet_status(value: object) -> object:
    return _DOTNET.get(value.strip().lower(), "fail") if isinstance(value, str) else value


def _health_json(served: object) -> object:
    """`application/health+json`: a list of observations for each check, under `COMPONENT:MEASUREMENT`."""
    if not isinstance(served, dict):
        return served
    found = served.get("checks")
    checks = {}
    for name, several in found.items() if isinstance(found, dict) else ():
        for index, check in enumerate(several if isinstance(several, list) else [several]):
            if isinstance(check, dict):
                key = f"{name}#{index}" if index else name
                checks[key] = {"status": check.get("status", "pass"), **_said(check)}
    document = _document(served.get("status"), checks)
    return document | {key: served[key] for key in ("version", "releaseId") if key in served}


def _said(found: object) -> dict[str, str]:
    """What it says of a failure."""
    texts = (found.get(key) for key in _DETAILS) if isinstance(found, dict) else ()
    text = next((text for text in texts if isinstance(text, str) and text), "")
    return {"output": text} if text else {}


def _document(status: object, checks: Mapping[str, dict[str, object]]) -> dict[str, object]:
    failures = [
        {"code": "CHECK_FAILED", "component": name.partition(":")[0], "description": check.get("output", "")}
        for name, check in checks.items()
        if str(check["status"]).lower() in {"fail", "error", "down"}
    ]
    shown = {name: {key: value for key, value in check.items() if key != "output"} for name, check in checks.items()}
    verdict = "pass" if status in ("warn", "warning") else status
    return {"status": verdict, "checks": shown, "failures": failures if verdict != "pass" else []}


_FORMATS: Final[Mapping[ReportFormat, Callable[[object], object]]] = MappingProxyType(
    {"spring-boot": _spring_boot, "dotnet": _dotnet, "health+json": _health_json}
)
