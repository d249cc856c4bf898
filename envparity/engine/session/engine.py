"""The one engine that both faces start: imported here and nowhere else, and only when something is to be run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from msgspec import structs

from envparity.engine.events import Emit, Waiting
from envparity.engine.session.attaching import attach
from envparity.engine.session.inputs import Exploration, Inputs
from envparity.errors import ConfigurationError
from envparity.judge.cause import CommitCause
from envparity.judge.finding import Finding, Verdict
from envparity.judge.rules import Rule
from envparity.model.environment import ImageSource
from envparity.model.project import Project
from envparity.observe.record import Observation

if TYPE_CHECKING:
    from envparity.engine.blame import Tell
    from envparity.engine.elsewhere import CaseSource
    from envparity.engine.exploration.searching import ExplorationProfile
    from envparity.engine.live_run import WarmEnvironment
    from envparity.engine.recorded import RecordedRun
    from envparity.engine.replay_answer import ReplayAnswer
    from envparity.engine.run import Run
    from envparity.launch.port import Launcher

__all__ = [
    "Elsewhere",
    "RunRequest",
    "SynchronousRun",
    "blame_commits",
    "boot_again",
    "load",
    "looked_for",
    "open_run",
    "rules",
    "shown_by",
    "to_observations",
    "to_verdict",
]


class Elsewhere(Protocol):
    """Where cases are booted that a run judges: `source` knows what they showed, `launcher` boots what is missing."""

    @property
    def source(self) -> CaseSource: ...
    @property
    def launcher(self) -> Launcher: ...


@dataclass(frozen=True)
class RunRequest:
    """What is asked of a run: the scenarios `only`, or all; how far the `orders` go (0: none); `repeat` boots of each.

    With `causes` it boots on until the causes are known. With what `elsewhere` gives, cases are booted there, and by
    its launcher. With `explore` what the contract allows is made and played first, and what is answered otherwise
    somewhere is a scenario of the run. With a `share` only the cases of these ids are booted.
    """

    only: Sequence[str] = ()
    orders: int = 0
    causes: bool = False
    repeat: int = 1
    elsewhere: Callable[[], Elsewhere] | None = None
    explore: Exploration | None = None
    share: Collection[str] | None = None


class SynchronousRun(Protocol):
    """A run whose event loop lives elsewhere: what `envparity.engine.run.LiveRun` is to those who use it."""

    def __enter__(self) -> SynchronousRun: ...  # noqa: PYI034  LiveRun promises no more
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
    def break_off(self, error: BaseException) -> str: ...
    def observe_all(self) -> tuple[Observation, ...]: ...
    def verdict(self) -> Verdict: ...
    def warm(self, environment: str, /) -> AbstractContextManager[WarmEnvironment]: ...


def load(inputs: Inputs, only: Sequence[str] = ()) -> Project:
    """Read and check every file, and that `only` names something. Boots nothing.

    Raises `ConfigurationError`, and `DoorFailed` for rules of another distribution that do not work.
    """
    from envparity.config.project import load_project
    from envparity.config.scenario_needs import with_lines
    from envparity.conversation.contract.of_backend import contract_of
    from envparity.engine.plan import plan
    from envparity.judge import every_rule
    from envparity.launch.included import included_nothing

    every_rule()  # so that one that does not work is said before anything boots
    try:
        project = load_project(inputs.backend, inputs.environments, inputs.names)
    except ConfigurationError as wrong:
        raise ConfigurationError([*wrong.mistakes, *attach(inputs.attaching, None)[1]]) from None
    if inputs.image:
        project = _of_image(project, inputs.image)
    attached, mistakes = attach(inputs.attaching, project.environments)
    try:
        contract_of(project.backend)
    except ConfigurationError as wrong:
        mistakes += wrong.mistakes
    try:
        plan(project.backend, project.environments, only, attached=attached, thorough=inputs.thorough)
    except ConfigurationError as wrong:
        mistakes += wrong.mistakes
    mistakes += included_nothing(project.backend)
    if mistakes:
        raise ConfigurationError(with_lines(project.backend, mistakes))
    return replace(project, attached=attached, asked=inputs.asked, thorough=inputs.thorough)


def _of_image(project: Project, image: str) -> Project:
    """The same with that image as the backend's, in every environment."""
    environments = {
        name: structs.replace(environment, image=None) for name, environment in project.environments.items()
    }
    return replace(
        project, backend=structs.replace(project.backend, image=ImageSource(name=image)), environments=environments
    )


def to_verdict(project: Project, launcher: str, emit: Emit, asked: RunRequest) -> Verdict:
    """Boot, observe, judge, explain as is asked. SIGINT and SIGTERM clean up and raise `Interrupted`."""
    from envparity.engine.to_verdict import run_to_verdict

    return run_to_verdict(_run(project, launcher, emit, asked))


def to_observations(project: Project, launcher: str, emit: Emit, asked: RunRequest) -> tuple[Observation, ...]:
    """Boot the cases that are asked for and observe them, all that they show told with each; judge nothing."""
    from envparity.engine.to_verdict import run_to_observations

    return run_to_observations(_run(project, launcher, emit, asked))


def open_run(project: Project, launcher: str, emit: Emit, asked: RunRequest) -> SynchronousRun:
    """A run to enter, to ask for observations and to leave; leaving removes all that it made."""
    from envparity.engine.live_run import LiveRun

    return LiveRun(_run(project, launcher, emit, asked))


def _run(project: Project, name: str, emit: Emit, asked: RunRequest) -> Callable[[], Run]:
    from envparity.engine.explore import OrderProfile
    from envparity.engine.run import Run
    from envparity.launch.choose import choose_launcher

    def explored_by(exploration: Exploration) -> ExplorationProfile:
        from envparity.engine.exploration.searching import ExplorationProfile  # loads Hypothesis

        return ExplorationProfile(exploration.examples, exploration.seed, folder=exploration.folder)

    def make() -> Run:
        others = None if asked.elsewhere is None else asked.elsewhere()
        if others is None:
            launcher = choose_launcher(name, project, lambda waited_for: emit(Waiting("", waited_for)))
        else:
            launcher = others.launcher
        profile = OrderProfile(strength=asked.orders) if asked.orders else None
        return Run(
            project, launcher, emit, only=asked.only, orders=profile, causes=asked.causes, repeat=asked.repeat,
            elsewhere=None if others is None else others.source, told_whole=asked.share is not None,
            share=asked.share, explore=None if asked.explore is None else explored_by(asked.explore),
        )  # fmt: skip

    return make


def boot_again(finding: Finding, run: RecordedRun, inputs: Inputs, emit: Emit) -> ReplayAnswer:
    """Boot the cases that showed that finding, and judge them. Raises what a run raises."""
    from envparity.engine.replay import needed_boots, needed_environments, needed_scenarios, ordered, unplayed
    from envparity.engine.replay_answer import ReplayAnswer
    from envparity.engine.replay_orders import orders_again

    names = needed_environments(finding, run)
    asked = inputs.attaching
    again = replace(asked, values=tuple(value for value in asked.values if value.partition("=")[0] in names))
    inputs = Inputs(inputs.backend, inputs.environments, names, inputs.launcher, attaching=again)
    if ordered(finding, run):
        return orders_again(finding, names, run, load(inputs), inputs.launcher, emit=emit)
    share = unplayed(finding, run) or None
    inputs = replace(inputs, thorough=share is not None)
    only = needed_scenarios(finding, run)
    repeat = needed_boots(finding)
    explored = {scenario.name: scenario for scenario in run.verdict.explored if scenario.name in only}
    project = load(inputs, [name for name in only if name not in explored])
    scenarios = (*project.backend.scenarios, *explored.values())
    project = replace(project, backend=structs.replace(project.backend, scenarios=scenarios))
    verdict = to_verdict(project, inputs.launcher, emit, RunRequest(only, repeat=repeat, share=share))
    findings = (
        *verdict.findings,
        *(each_finding for each_finding in verdict.by_chance if each_finding.identity == finding.identity),
    )
    return ReplayAnswer(findings, verdict.environments, verdict.cases * repeat, verdict.scenarios)


def blame_commits(
    commits: Sequence[str], shown: Sequence[Finding], verdict_of: Callable[[str], Verdict], tell: Tell
) -> CommitCause:
    """The commit that made it red (see `envparity.engine.blame`)."""
    from envparity.engine import blame

    return blame.blame_commits(commits, shown, verdict_of, tell)


def looked_for(bad: Verdict, wanted: str | None, span: str) -> tuple[Finding, ...]:
    """The findings of BAD that are looked for. Raises `ConfigurationError` where there are none."""
    from envparity.engine import blame

    return blame.looked_for(bad, wanted, span)


def shown_by(verdict: Verdict, shown: Sequence[Finding]) -> tuple[Finding, ...]:
    """What the verdict has of these findings."""
    from envparity.engine import blame

    return blame.shown_by(verdict, shown)


def rules() -> tuple[Rule, ...]:
    """Every rule that a verdict or an audit may cite, by code."""
    from envparity.audit.rules import RULES as AUDIT_RULES
    from envparity.judge import every_rule

    of_the_audit = (
        Rule(each_rule.code, each_rule.title, each_rule.description, each_rule.action) for each_rule in AUDIT_RULES
    )
    return tuple(sorted((*every_rule(), *of_the_audit), key=lambda rule: rule.code))
