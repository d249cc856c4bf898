"""A run that replays recorded observations, and the project that it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import envparity.engine.plan
import envparity.faces.pytest.session
import envparity.model.project  # noqa: F401  pytester forgets what an inner session imports, and would import it each time
from envparity.engine.events import CaseStarted, Emit, RunFinished, RunStarted, Waiting
from envparity.engine.session import engine
from envparity.engine.session.inputs import Exploration
from envparity.errors import EnvparityError
from envparity.judge.finding import Finding, Verdict
from envparity.model.case import Boot, Case
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript

BACKEND = """\
name = "chat"

[image]
name = "chat:1"

[[scenario]]
name = "greeting"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "refusal-origin"
group = "refusal"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "refusal-token"
group = "refusal"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "rolling"
group = "lifecycle"
replicas = 2
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "in-any-order"
group = "orders"
part = "orders"
steps = [{ connect = "none" }, { close = 1000 }]

[[scenario]]
name = "startup-failure"
group = "startup_failure"
boot = { down = ["redis"] }
steps = [{ connect = "none" }, { close = 1000 }]
"""
INI = "[pytest]\nasyncio_default_fixture_loop_scope = function\naddopts = -p no:cacheprovider -p no:hypothesispytest\n"
ENVIRONMENT = 'name = "{name}"\n[dependencies.redis]\nkind = "redis"\n'
FINDING = Finding(
    "EP303", "close not as promised", "refusal-token", "1008 token_expired", "1011", ("staging",), ("staging",),
    scenario="refusal-token", scenarios=("refusal-token",),
)  # fmt: skip


@dataclass
class Replay:
    """A run that boots nothing: it was all observed before."""

    findings: tuple[Finding, ...] = ()
    error: EnvparityError | None = None
    interrupt: Callable[[], None] = lambda: None
    opened: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    orders: list[int] = field(default_factory=list)
    causes: list[bool] = field(default_factory=list)
    repeats: list[int] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)
    closed: int = 0
    broken_off: list[BaseException] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    explored: list[Exploration | None] = field(default_factory=list)

    def open_run(self, project: Project, launcher: str, emit: Emit, asked: engine.RunRequest) -> Replay:
        self.causes.append(asked.causes)
        self.repeats.append(asked.repeat)
        self.explored.append(asked.explore)
        self.opened.append((launcher, tuple(asked.only)))
        self.orders.append(asked.orders)
        self.project, self.emit, self.only = project, emit, tuple(asked.only)
        return self

    def __enter__(self) -> Self:
        if self.error:
            raise self.error
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    def break_off(self, error: BaseException) -> str:
        self.broken_off.append(error)
        names = tuple(self.project.environments)
        verdict = Verdict("0a1b2c3d", "fake", (), names, 1, 2, 22, self.findings, (), 1.5, broken_off="x", planned=2)
        self.emit(RunFinished(verdict))
        return "1 finding in 1 of 2 cases"

    def observe_all(self) -> tuple[Observation, ...]:
        names = tuple(self.project.environments)
        self.emit(RunStarted("0a1b2c3d", "fake", (), "chat", names, len(names), 3, 22))
        chosen = [
            scenario for scenario in self.project.backend.scenarios if not self.only or scenario.name in self.only
        ]
        seen = []
        for boot in dict.fromkeys([Boot(), *(scenario.boot for scenario in chosen)]):
            for name in names:
                case = Case(name, "chat", boot)
                self.emit(CaseStarted(case.id, name, str(case), len(chosen)))
                self.emit(Waiting(case.id, "redis to accept connections"))
                played = tuple(
                    Transcript(scenario.name, scenario.group) for scenario in chosen if scenario.boot == boot
                )
                seen.append(Observation(case, "fake", "0a1b2c3d", transcripts=played))
        orders = [Boot(order=("a", "b")), Boot(order=("b", "a")), Boot(timeline=("backend", "redis"))]
        for name in names if self.orders[-1] else ():
            seen += [Observation(Case(name, "chat", boot), "fake", "0a1b2c3d", warm=True) for boot in orders]
        self.interrupt()
        return tuple(seen)

    @contextmanager
    def warm(self, environment: str) -> Iterator[str]:
        self.standing.append(environment)
        yield f"{environment} stands"
        self.standing.append("gone")

    def verdict(self) -> Verdict:
        names = tuple(self.project.environments)
        self.verdicts.append(Verdict("0a1b2c3d", "fake", (), names, 4, 7, 22, self.findings, (), 1.5))
        self.emit(RunFinished(self.verdicts[-1]))
        return self.verdicts[-1]
