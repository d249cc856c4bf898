"""EP901: the environment itself."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.finding import Finding, Rule
from envparity.judge.rules import contract, finding
from envparity.judge.volatile import steady
from envparity.observe.record import Observation
from envparity.subject import Subject

__all__ = ["RULES"]

_LINES = 12


def _not_stood_up(_subject: Subject, observation: Observation) -> Iterator[Finding]:
    if observation.launch_failure is None or observation.attached is not None:
        return
    first, *rest = observation.launch_failure.strip().splitlines() or ["no reason given"]
    logs = [f"{name}: {text}" for name, log in sorted(observation.infrastructure_logs.items()) for text in log[-4:]]
    yield finding(
        observation, "EP901", "environment", "the environment stands", steady(first), evidence=[*rest[:_LINES], *logs]
    )


RULES: tuple[Rule, ...] = (
    contract(
        "EP901",
        "environment could not be stood up",
        means="A dependency, the ingress, a network or an image could not be had; the backend was not judged.",
        matters="This says nothing about the backend; but nor is it a clean verdict, for nothing was seen.",
        action="Read the reason and the logs quoted here, mend the environment or the engine, and run again.",
        example="waited 15 s for postgres to answer",
        check=_not_stood_up,
    ),
)
