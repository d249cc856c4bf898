"""Whether a startup report agrees with itself: order with steps, steps with what they require, status with both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise

from envparity.observe.record import StartupReport, StartupStep

__all__ = ["inconsistencies", "is_passed_over", "is_too_early"]

_RAN = {"passed", "failed"}
_PASSED_OVER = "status is pass, and "
_TOO_EARLY = "ran before"


def inconsistencies(report: StartupReport) -> Iterator[str]:
    """Everything that cannot be true of one startup, in words. A startup under way, or an unreadable one, has none."""
    if report.status not in {"pass", "fail"}:
        return
    yield from _status(report)
    yield from _order(report)
    steps = {step.name: step for step in report.steps}
    ran = report.order or tuple(steps)
    places = {name: place for place, name in reversed(list(enumerate(ran)))}
    for step in report.steps:
        for name in step.requires:
            yield from _requirement(step, name, steps.get(name), places)


def is_passed_over(inconsistency: str) -> bool:
    """Whether that sentence says that something went wrong and the status is pass all the same."""
    return inconsistency.startswith(_PASSED_OVER)


def is_too_early(inconsistency: str) -> bool:
    """Whether that sentence says that a step ran before one that it requires."""
    return f" {_TOO_EARLY} " in inconsistency


def _status(report: StartupReport) -> Iterator[str]:
    if report.status == "fail" and not report.failures:
        yield "status is fail, and failures names none"
    if report.status == "pass":
        if report.failures:
            yield f"{_PASSED_OVER}failures names {report.failures[0].component or report.failures[0].code}"
        for step in report.steps:
            if step.outcome != "passed":
                yield f"{_PASSED_OVER}step {step.name} is {step.outcome}"
        for check in report.checks:
            if check.critical and check.status == "fail":
                yield f"{_PASSED_OVER}critical check {check.name} failed"


def _order(report: StartupReport) -> Iterator[str]:
    """Only where the report has both: a backend need not give an order, nor steps."""
    if not report.order or not report.steps:
        return
    for name in sorted({name for name in report.order if report.order.count(name) > 1}):
        yield f"order has {name} more than once"
    known = {step.name for step in report.steps}
    for name in sorted(set(report.order) - known):
        yield f"order has {name}, which is none of the steps"
    for step in report.steps:
        if step.outcome in _RAN and step.name not in report.order:
            yield f"step {step.name} ran, and order does not have it"
    started = {step.name: moment for step in report.steps if (moment := _moment(step.started)) is not None}
    for before, after in pairwise(name for name in report.order if name in started):
        if started[after] < started[before]:
            yield f"order has {before} before {after}, and {after} started first"


def _requirement(step: StartupStep, name: str, required: StartupStep | None, places: dict[str, int]) -> Iterator[str]:
    if required is None:
        yield f"step {step.name} requires {name}, which is none of the steps"
    elif step.outcome in _RAN:
        if required.outcome != "passed":
            yield f"step {step.name} ran although {name}, which it requires, {_did(required.outcome)}"
        if places.get(name, 0) > places.get(step.name, len(places)):
            yield f"step {step.name} {_TOO_EARLY} {name}, which it requires"


def _did(outcome: str) -> str:
    return {"failed": "failed", "skipped": "was skipped"}.get(outcome, f"is {outcome}")


def _moment(text: str | None) -> datetime | None:
    """An ISO 8601 moment; without an offset it is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
