"""envparity boots a WebSocket backend the way each of its environments would, and says whether it behaves the same.

This is the whole public API; everything else may change. Names are imported when they are first used, so that
importing the package costs nothing and starts nothing.

::

    project = load_project(Path("backend.toml"), Path("environments"))
    verdict = run_to_verdict(lambda: Run(project, choose_launcher("container", project, print), print))
    print(verdict.exit_code)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envparity.config.project import load_project
    from envparity.engine.events import Event
    from envparity.engine.explore import OrderProfile
    from envparity.engine.live_run import LiveRun
    from envparity.engine.plan import PlannedCase, plan
    from envparity.engine.run import Run
    from envparity.engine.to_verdict import run_to_verdict
    from envparity.errors import (
        ConfigurationError,
        DeadlineExceeded,
        EngineUnavailable,
        EnvparityError,
        Interrupted,
        LaunchError,
        Mistake,
    )
    from envparity.judge import RULES, judge
    from envparity.judge.finding import Finding, Judgement, Verdict
    from envparity.judge.rules import Rule
    from envparity.launch.choose import choose_launcher
    from envparity.launch.port import Endpoint, Launcher, Stack
    from envparity.model.backend import Backend
    from envparity.model.case import Boot, Case
    from envparity.model.environment import DeclaredDifference, Environment
    from envparity.model.project import Project
    from envparity.model.scenario import Scenario
    from envparity.observe.record import Observation
    from envparity.observe.transcript import Transcript
    from envparity.orders.covering import covering_set
    from envparity.orders.graph import Graph
    from envparity.orders.strategy import init_orders

_HOMES = {
    "model.backend": ("Backend",),
    "model.case": ("Boot", "Case"),
    "engine.explore": ("OrderProfile",),
    "engine.plan": ("PlannedCase", "plan"),
    "engine.live_run": ("LiveRun",),
    "engine.run": ("Run",),
    "engine.to_verdict": ("run_to_verdict",),
    "model.environment": ("DeclaredDifference", "Environment"),
    "errors": (
        "ConfigurationError",
        "DeadlineExceeded",
        "EngineUnavailable",
        "EnvparityError",
        "Interrupted",
        "LaunchError",
        "Mistake",
    ),
    "engine.events": ("Event",),
    "judge": ("RULES", "judge"),
    "judge.finding": ("Finding", "Judgement", "Verdict"),
    "judge.rules": ("Rule",),
    "launch.choose": ("choose_launcher",),
    "launch.port": ("Endpoint", "Launcher", "Stack"),
    "observe.record": ("Observation",),
    "observe.transcript": ("Transcript",),
    "orders.graph": ("Graph",),
    "orders.covering": ("covering_set",),
    "orders.strategy": ("init_orders",),
    "model.scenario": ("Scenario",),
    "model.project": ("Project",),
    "config.project": ("load_project",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # noqa: RUF022  spelled out for readers and for type checkers; a test holds it to _HOMES
    "RULES",
    "Backend",
    "Boot",
    "Case",
    "ConfigurationError",
    "DeadlineExceeded",
    "DeclaredDifference",
    "Endpoint",
    "EngineUnavailable",
    "EnvparityError",
    "Environment",
    "Event",
    "Finding",
    "Graph",
    "Interrupted",
    "Judgement",
    "LaunchError",
    "Launcher",
    "LiveRun",
    "Mistake",
    "Observation",
    "OrderProfile",
    "PlannedCase",
    "Rule",
    "Run",
    "Scenario",
    "Stack",
    "Project",
    "Transcript",
    "Verdict",
    "choose_launcher",
    "covering_set",
    "init_orders",
    "judge",
    "load_project",
    "plan",
    "run_to_verdict",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
