"""Boots in orders: a backend with four steps, its usual boot, and what a boot in a given order may show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.model.project import Project
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation, Replica
from envparity.observe.transcript import Transcript
from tests.envparity.judge.builders import BACKEND, document, observation, project, replica, transcript

REQUIRES = {"settings": [], "redis": ["settings"], "tools": ["settings"], "auth": ["redis"]}
CANONICAL = ("settings", "redis", "tools", "auth")
TOOLS_FIRST = ("settings", "tools", "redis", "auth")
TOOLS_LAST = ("settings", "redis", "auth", "tools")
FORBIDDEN = ("settings", "auth", "redis", "tools")
LATE = ("postgres", "backend", "redis")
IN_TIME = ("postgres", "redis", "backend")
SCENARIOS = (
    Scenario("chat"),
    Scenario("any_order", part="orders"),
    Scenario("too_early", part="starting"),
)
OF_ORDERS = replace(BACKEND, scenarios=SCENARIOS, order_setting="STARTUP_ORDER")


def orders_project(*names: Environment | str) -> Project:
    return project(*(names or ("local", "staging")), backend=OF_ORDERS)


def started_in(order: Sequence[str] = CANONICAL, **changes: Any) -> dict[str, Any]:
    """The report of a backend that passed its startup in that order."""
    steps = [{"name": name, "requires": REQUIRES[name], "outcome": "passed"} for name in order]
    settings = [
        {"name": "LIMIT", "source": "environment", "secret": False, "value": 30},
        {"name": "STARTUP_ORDER", "source": "environment", "secret": False, "value": ",".join(order)},
    ]
    return document(order=list(order), steps=steps, settings=settings) | changes


def failed_in(order: Sequence[str], *failures: dict[str, Any], step: str = "auth") -> dict[str, Any]:
    """The report of a backend that failed in that order, in that step; what requires it was skipped."""
    report = started_in(order, status="fail", failures=list(failures))
    skipped = {name for name, requires in REQUIRES.items() if step in requires}
    for each_step in report["steps"]:
        each_step["outcome"] = (
            "failed" if each_step["name"] == step else "skipped" if each_step["name"] in skipped else "passed"
        )
    return report


def refused_order(*failures: dict[str, Any]) -> dict[str, Any]:
    """The report of a backend that ran nothing, because it was asked for what its graph forbids."""
    named = {"code": "ORDER_REFUSED", "component": "startup_order", "description": "auth before redis"}
    report = started_in(status="fail", order=[], failures=list(failures) or [named])
    report["steps"] = [step | {"outcome": "skipped"} for step in report["steps"]]
    return report


def usual(environment: str = "local", **changes: Any) -> Observation:
    """The boot without an order, in a fresh container."""
    return observation(environment, replica(started_in()), **changes)


def in_order(
    order: Sequence[str] = CANONICAL, environment: str = "local", *said: Replica, **changes: Any
) -> Observation:
    """A warm boot in that order, well unless said otherwise."""
    seen = said or (replica(started_in(order) if set(order) <= set(REQUIRES) else refused_order()),)
    return observation(environment, *seen, **{"boot": Boot(order=tuple(order)), **CONVERSED, **changes})


def when_they_come(timeline: Sequence[str], environment: str = "local", *said: Replica, **changes: Any) -> Observation:
    """A warm boot whose dependencies come in that sequence, well in the end unless said otherwise."""
    seen = said or (replica(started_in()),)
    return observation(environment, *seen, **{"boot": Boot(timeline=tuple(timeline)), **CONVERSED, **changes})


def conversed(*entries: Any, **changes: Any) -> Transcript:
    """The conversation that belongs to the orders."""
    return transcript(*entries, **{"scenario": "any_order", "group": "orders", **changes})


CONVERSED: dict[str, Any] = {"transcripts": (conversed(),), "warm": True}
