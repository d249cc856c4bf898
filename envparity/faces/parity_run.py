"""What the `parity` fixture gives to a test: one run, booted on first use and shared by every test of the session."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING

from envparity.faces.asked_run import AskedRun
from envparity.judge import findings_for
from envparity.judge.finding import Finding, Judgement, Verdict
from envparity.model.case import Boot, Case
from envparity.model.project import Project
from envparity.model.reach import plays
from envparity.model.scenario import Scenario
from envparity.observe.record import Observation
from envparity.observe.transcript import Transcript
from envparity.report.verdict import findings_text
from envparity.report.writer import Writer

if TYPE_CHECKING:
    from envparity.engine.events import Emit
    from envparity.engine.live_run import WarmEnvironment
    from envparity.engine.session.engine import SynchronousRun
    from envparity.orders.graph import Graph

__all__ = ["ParityRun"]

SeenAndVerdict = tuple[tuple[Observation, ...], Verdict]


class ParityRun:
    """The observations of a run and its verdict. The first question boots every planned case; later ones only read.

    `open_run` is told where the events go and gives a run that was not entered yet; `announce` gives the writer that
    shows them while a question waits for boots. With `once` another process may have made the run: it is asked to have
    it made here where none has.
    """

    def __init__(
        self,
        project: Project,
        open_run: Callable[[Emit], SynchronousRun],
        announce: Callable[[], AbstractContextManager[Writer]],
        once: Callable[[Callable[[], SeenAndVerdict]], SeenAndVerdict] | None = None,
    ) -> None:
        self._once = once
        self.project = project
        self._asked = AskedRun(open_run, announce)
        self._observations: dict[Case, Observation] = {}
        self._verdict: Verdict | None = None

    @property
    def environments(self) -> tuple[str, ...]:
        """Their names, the one that the others are compared with first."""
        return tuple(self.project.environments)

    @property
    def finished(self) -> Verdict | None:
        """The verdict where there is one already. Boots nothing."""
        return self._verdict

    @property
    def verdict(self) -> Verdict:
        """What the whole run came to."""
        if self._verdict is None:
            seen, verdict = self._seen_here() if self._once is None else self._once(self._seen_here)
            self._observations |= {observation.case: observation for observation in seen}
            self._verdict = verdict
        return self._verdict

    @property
    def judgement(self) -> Judgement:
        """What the rules found, and the exemptions that were used."""
        verdict = self.verdict
        return Judgement(verdict.findings, verdict.exemptions, verdict.rules)

    def observation(self, environment: str, boot: Boot = Boot()) -> Observation:  # noqa: B008  frozen
        """What that environment showed when booted that way. LookupError where the run planned no such boot."""
        _ = self.verdict
        backend = self.project.backend
        case = Case(environment, backend.name, backend.boot_without_secrets(boot))
        if case not in self._observations:
            planned = "; ".join(map(str, self._observations))
            raise LookupError(f"no scenario that the collected tests name asks for {case}; booted were {planned}")
        return self._observations[case]

    def observations(self, boot: Boot = Boot()) -> dict[str, Observation]:  # noqa: B008  frozen
        """The same of every environment, by name; of those that are attached, only as they are."""
        names = [name for name in self.environments if boot.steady or name not in self.project.attached]
        return {name: self.observation(name, boot) for name in names}

    def orders(self, environment: str) -> tuple[Observation, ...]:
        """What that environment showed in each order of initialisation and of its dependencies, the canonical first.

        LookupError where the run was not asked for orders.
        """
        _ = self.verdict
        planned = {scenario.boot for scenario in self.project.backend.scenarios}
        seen = tuple(
            observation
            for case, observation in self._observations.items()
            if case.environment == environment and case.boot not in planned and (case.boot.order or case.boot.timeline)
        )
        if not seen:
            raise LookupError(
                f"{environment} was booted in no order: mark the test with `parity(orders=3)`, or run with "
                "`--envparity-orders 3`; a startup that fails in the usual order is booted in no other"
            )
        return seen

    def graph(self, environment: str) -> Graph:
        """Which step of startup requires which, as the backend's own report says in that environment.

        LookupError where it has no report with steps, `ConfigurationError` where they are no graph.
        """
        from envparity.engine.explore import graph_of

        reports = [replica.startup for replica in self.observation(environment).replicas]
        if not reports or reports[0] is None or not reports[0].steps:
            raise LookupError(f"the startup report in {environment} has no steps")
        return graph_of(reports[0])

    @contextmanager
    def warm(self, environment: str) -> Iterator[WarmEnvironment]:
        """That environment, standing for as long as this lasts, for boots that nobody planned (see `LiveRun.warm`)."""
        with ExitStack() as exits:
            yield self._asked.ask(lambda run: exits.enter_context(run.warm(environment)))

    def environments_of(self, scenario: str) -> tuple[str, ...]:
        """The environments that can play it: those that have the replicas and, where attached, need only to talk.

        LookupError where the backend has none of that name.
        """
        known = _scenario_of(self.project, scenario)
        return tuple(name for name in self.project.environments if plays(self.project, name, known))

    def transcripts(self, scenario: str) -> dict[str, Transcript]:
        """How that scenario went in every environment that can play it, by name. AssertionError where one did not."""
        __tracebackhide__ = True
        boot = _scenario_of(self.project, scenario).boot
        names = self.environments_of(scenario)
        if not names:
            raise AssertionError(
                f"no environment of this run has the replicas for {scenario}, or may be more than watched"
            )
        played = {}
        for name in names:
            observation = self.observation(name, boot)
            transcript = observation.transcript(scenario)
            if transcript is None:
                why = observation.launch_failure or "startup did not pass there, so that only the first scenario was"
                raise AssertionError(f"{scenario} was not played in {name}: {why}")
            played[name] = transcript
        return played

    def findings(
        self, scenario: str | None = None, codes: Sequence[str] | None = None, environment: str | None = None
    ) -> tuple[Finding, ...]:
        """The findings about that scenario, of those codes, in that environment."""
        return findings_for(self.judgement, scenario=scenario, codes=codes, environment=environment)

    def assert_holds(
        self, scenario: str | None = None, codes: Sequence[str] | None = None, environment: str | None = None
    ) -> None:
        """Raise AssertionError with every such finding, in the words of the verdict, where there is one."""
        __tracebackhide__ = True
        found = self.findings(scenario, codes, environment)
        if found:
            raise AssertionError("\n" + findings_text(found, self.environments))

    def close(self) -> None:
        """End the run and remove all that it made. May be called twice, also while a question is under way."""
        self._asked.close()

    def _seen_here(self) -> SeenAndVerdict:
        return self._asked.ask(lambda run: (run.observe_all(), run.verdict()))


def _scenario_of(project: Project, name: str) -> Scenario:
    """The scenario of that name. LookupError where the backend has none."""
    found = next((scenario for scenario in project.backend.scenarios if scenario.name == name), None)
    if found is None:
        known = ", ".join(scenario.name for scenario in project.backend.scenarios)
        raise LookupError(f"{project.backend.file} has no scenario {name!r}; it has {known}")
    return found
