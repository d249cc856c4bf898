"""EP901: the environment itself."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.judge.evidence import LAUNCHER_LOG, LogQuote
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.view import RunView
from envparity.judge.volatile import steady
from envparity.observe.record import Observation

__all__ = ["RULES"]

_LINES = 12
_LAST = 4  # lines of each log that are quoted


def _not_stood_up(_view: RunView, observation: Observation) -> Iterator[Breach]:
    if observation.launch_failure is None or observation.attached is not None:
        return
    first, *rest = observation.launch_failure.strip().splitlines() or ["no reason given"]
    logs = [LogQuote(name, tuple(log[-_LAST:])) for name, log in sorted(observation.infrastructure_logs.items()) if log]
    why = [LogQuote(LAUNCHER_LOG, tuple(rest[:_LINES]))] if rest else []
    yield Breach("environment", "the environment stands", steady(first), evidence=(*why, *logs))


RULES: tuple[Rule, ...] = (
    contract(
        "EP901",
        "environment could not be stood up",
        Conduct("environment", unseen=True, not_stood_up=True),
        means="A dependency, the ingress, a network or an image could not be had; the backend was not judged.",
        matters="This says nothing about the backend; but nor is it a clean verdict, for nothing was seen.",
        action="Read the reason and the logs quoted here, mend the environment or the engine, and run again.",
        example="waited 15 s for postgres to answer",
        check=_not_stood_up,
    ),
)
