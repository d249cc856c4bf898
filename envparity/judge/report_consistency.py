"""Whether a startup report agrees with itself: order with steps, steps with what they require, status with both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from typing import Literal, NamedTuple

from envparity.observe.record import StartupReport, StartupStep

__all__ = ["Inconsistency", "inconsistencies"]

_RAN = {"passed", "failed"}


class Inconsistency(NamedTuple):
    """What cannot be true of one startup. `kind` "passed over": something went wrong and the status is pass all the
    same; "too early": a step ran before one that it requires.
    """

    said: str
    kind: Literal["passed over", "too early", "other"] = "other"


def inconsistencies(report: StartupReport) -> Iterator[Inconsistency]:
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


def _status(report: StartupReport) -> Iterator[Inconsistency]:
    if report.status == "fail" and not report.failures:
        yield Inconsistency("status is fail, and failures names none")
    if report.status == "pass":
        if report.failures:
            yield Inconsistency(
                f"status is pass, and failures names {report.failures[0].component or report.failures[0].code}",
                "passed over",
            )
        for step in report.steps:
            if step.outcome != "passed":
                yield Inconsistency(f"status is pass, and step {step.name} is {step.outcome}", "passed over")
        for check in report.checks:
            if check.critical and check.status == "fail":
                yield Inconsistency(f"status is pass, and critical check {check.name} failed", "passed over")


def _order(report: StartupReport) -> Iterator[Inconsistency]:
    """Only where the report has both: a backend need not give an order, nor steps."""
    if not report.order or not report.steps:
        return
    for name in sorted({name for name in report.order if report.order.count(name) > 1}):
        yield Inconsistency(f"order has {name} more than once")
    known = {step.name for step in report.steps}
    for name in sorted(set(report.order) - known):
        yield Inconsistency(f"order has {name}, which is none of the steps")
    for step in report.steps:
        if step.outcome in _RAN and step.name not in report.order:
            yield Inconsistency(f"step {step.name} ran, and order does not have it")
    started = {step.name: moment for step in report.steps if (moment := _moment(step.started)) is not None}
    for before, after in pairwise(name for name in report.order if name in started):
        if started[after] < started[before]:
            yield Inconsistency(f"order has {before} before {after}, and {after} started first")


def _requirement(
    step: StartupStep, name: str, required: StartupStep | None, places: dict[str, int]
) -> Iterator[Inconsistency]:
    if required is None:
        yield Inconsistency(f"step {step.name} requires {name}, which is none of the steps")
    elif step.outcome in _RAN:
        if required.outcome != "passed":
            yield Inconsistency(f"step {step.name} ran although {name}, which it requires, {_did(required.outcome)}")
        if places.get(name, 0) > places.get(step.name, len(places)):
            yield Inconsistency(f"step {step.name} ran before {name}, which it requires", "too early")


def _did(outcome: str) -> str:
    return {"failed": "failed", "skipped": "was skipped"}.get(outcome, f"is {outcome}")


def _moment(text: str | None) -> datetime | None:
    """An ISO 8601 moment; without an offset it is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
