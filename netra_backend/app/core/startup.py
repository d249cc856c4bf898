"""The sequencer: runs the steps one after the other, each with a deadline, and remembers what happened.

A dependency that is late is asked again, with backoff, until its step's deadline. A failed step is not followed by
those that require it; the rest still run, so that the report is complete.
"""

from __future__ import annotations

import asyncio
import time
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import structlog

from netra_backend.app.core import failures as codes
from netra_backend.app.core.checks import ChecksMade
from netra_backend.app.core.failures import DependencyRefused, DependencyUnavailable, Failure, StartupFailure
from netra_backend.app.core.services import Services

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from netra_backend.app.metrics import Metrics

BACKOFF_FIRST_S = 0.05
BACKOFF_GROWTH = 1.6
BACKOFF_LONGEST_S = 0.5

Outcome = Literal["pending", "running", "passed", "failed", "skipped"]

log = structlog.stdlib.get_logger(__name__)


class Component(NamedTuple):
    """One startup step: what it requires, and how it is started with what the steps before it have made.

    `asks` names the dependency that it talks to, so that its silence can be called by its name; `timeout_s` is its own
    deadline, where it has another than all.
    """

    name: str
    requires: tuple[str, ...]
    start: Callable[[Services], Awaitable[None]]
    asks: str | None = None
    timeout_s: float | None = None


class StepRecord:
    """What happened in one step. `waited_for` names the dependency that was late, if one was."""

    def __init__(self, name: str, requires: tuple[str, ...]) -> None:
        self.name, self.requires = name, requires
        self.outcome: Outcome = "pending"
        self.started: datetime | None = None
        self.duration_ms = 0.0
        self.attempts = 0
        self.waited_for: str | None = None


class Startup:
    """One start of the backend: the records of its steps, its failures, and whether it is over."""

    def __init__(
        self, components: Mapping[str, Component], order: tuple[str, ...], step_timeout_s: float, metrics: Metrics
    ) -> None:
        self.components, self.order, self.step_timeout_s, self.metrics = components, order, step_timeout_s, metrics
        self.services = Services()
        self.services.provide(ChecksMade())
        self.records = {name: StepRecord(name, part.requires) for name, part in components.items()}
        self.failures: list[Failure] = []
        self.finished = False

    @property
    def status(self) -> Literal["starting", "pass", "fail"]:
        """`starting` until every step has had its turn, then `pass` or `fail`."""
        if not self.finished:
            return "starting"
        return "fail" if self.failures else "pass"

    async def run(self) -> None:
        """Run every step in order. Raises nothing: what went wrong is in `failures`."""
        for name in self.order:
            record = self.records[name]
            if any(self.records[required].outcome != "passed" for required in record.requires):
                record.outcome = "skipped"
            else:
                await self._run_step(self.components[name], record)
        self.finish()

    def refuse(self, failure: StartupFailure) -> None:
        """End the startup before its first step: nothing could be run."""
        self._fail(failure, failure.component)
        for record in self.records.values():
            record.outcome = "skipped"
        self.finish()

    def finish(self) -> None:
        """Say how it ended, loudly when it failed."""
        self.finished = True
        if not self.failures:
            log.info("startup completed", steps=len(self.order))
            return
        for failure in self.failures:
            log.critical(
                "CRITICAL STARTUP VALIDATION FAILURES DETECTED",
                component=failure.component,
                code=failure.code,
                description=failure.description,
                action=failure.action,
            )

    async def _run_step(self, component: Component, record: StepRecord) -> None:
        record.started = datetime.now(UTC)
        record.outcome = "running"
        began = time.perf_counter()
        try:
            await self._until_deadline(component, record)
        except StartupFailure as failure:
            record.outcome = "failed"
            self._fail(failure, component.name)
        except ExceptionGroup as several:
            record.outcome = "failed"
            for error in several.exceptions:
                self._fail(error if isinstance(error, StartupFailure) else _unexpected(error), component.name)
        except Exception as error:  # a bug in one step must be reported, not end the process
            record.outcome = "failed"
            log.exception("startup step raised", step=component.name)
            self._fail(_unexpected(error), component.name)
        else:
            record.outcome = "passed"
        finally:
            record.duration_ms = round((time.perf_counter() - began) * 1000, 3)
            self.metrics.startup_step_seconds.labels(step=component.name).set(record.duration_ms / 1000)
        log.info("startup step", step=record.name, outcome=record.outcome, duration_ms=record.duration_ms)

    async def _until_deadline(self, component: Component, record: StepRecord) -> None:
        late: DependencyUnavailable | None = None
        pause_s = BACKOFF_FIRST_S
        timeout_s = component.timeout_s or self.step_timeout_s
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                while True:
                    record.attempts += 1
                    try:
                        return await component.start(self.services)
                    except DependencyUnavailable as unavailable:
                        # Who was cut short, by its own time or by the deadline, says less than who was told something.
                        if late is None or not (unavailable.silent or deadline.expired()):
                            late = unavailable
                    record.waited_for = late.dependency
                    if deadline.expired():  # what failed in that very moment may have swallowed it
                        break
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * BACKOFF_GROWTH, BACKOFF_LONGEST_S)
            raise _out_of_time(component, late, timeout_s) from late
        except TimeoutError:
            if not deadline.expired():
                raise
            if late is None and component.asks is not None:
                late = DependencyUnavailable(component.asks, "no answer")
                record.waited_for = component.asks
            raise _out_of_time(component, late, timeout_s) from late
        except DependencyRefused as refused:
            raise StartupFailure(
                codes.DEPENDENCY_REFUSED,
                f"{refused.dependency} answers and refuses: {refused.description}.",
                f"Check credentials, privileges and TLS of {refused.dependency.upper()}: waiting will not help.",
            ) from refused

    def _fail(self, failure: StartupFailure, step: str) -> None:
        component = failure.component or step
        self.failures.append(Failure(failure.code, component, failure.description, failure.action))
        self.metrics.startup_failures.labels(component=component, code=failure.code).inc()


def _out_of_time(component: Component, late: DependencyUnavailable | None, timeout_s: float) -> StartupFailure:
    whose = component.asks.upper() if component.asks is not None and component.timeout_s is not None else "STEP"
    setting = f"STARTUP_{whose}_TIMEOUT_S"
    if late is not None:
        return StartupFailure(
            codes.DEPENDENCY_UNREACHABLE,
            f"{late.dependency} could not be reached within {timeout_s:g} s: {late.description}.",
            f"Start {late.dependency}, check its address, or give it longer with {setting}.",
        )
    return StartupFailure(
        codes.STEP_TIMEOUT,
        f"The step {component.name} was not done within {timeout_s:g} s.",
        f"See what the step waits for, or give it longer with {setting}.",
    )


def _unexpected(error: Exception) -> StartupFailure:
    """Say what was raised and where; never its message, which may hold anything."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return StartupFailure(
        codes.STEP_FAILED, f"{type(error).__name__} was raised{where}.", "See the log: the traceback is there."
    )
