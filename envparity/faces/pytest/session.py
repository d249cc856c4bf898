"""What the pytest plugin does in a session that uses it: inputs, plan, progress, verdict."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from envparity.engine.session import engine
from envparity.engine.session.exits import FINDINGS, code_of, complaint
from envparity.engine.session.inputs import Exploration, Inputs
from envparity.errors import ConfigurationError, DoorFailed, EnvparityError
from envparity.faces.keeping import write_kept
from envparity.faces.parity_run import ParityRun, SeenAndVerdict
from envparity.faces.pytest.chosen import chosen, chosen_by_all
from envparity.faces.pytest.options import SessionOptions
from envparity.faces.pytest.shared import WORKER_KEY, Failed, Seen, SharedRun
from envparity.faces.pytest.speaking import announced, end_session, print_verdict
from envparity.judge.finding import Verdict
from envparity.model.project import Project
from envparity.report.outputs import Outputs
from envparity.report.saved import Saver, read_run, saved_project

__all__ = ["ParitySession"]


class ParitySession:
    """One pytest session that uses envparity."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._options = SessionOptions(config)
        self._project: Project | None = None
        self._wrong: EnvparityError | None = None
        self._inputs: Inputs | None = None
        self._only: tuple[str, ...] = ()
        self._orders = 0
        self._run: ParityRun | None = None
        self._outputs = Outputs()
        self._exploration: Exploration | None = None
        self._saver: Saver | None = None  # of the whole session: a run may be asked several times
        self._verdict: Verdict | None = None
        worker: Mapping[str, str] | None = getattr(config, "workerinput", None)
        self._is_worker = worker is not None
        self._shared = SharedRun(Path(worker[WORKER_KEY])) if worker is not None and WORKER_KEY in worker else None

    def load(self) -> Project:
        """Read the files once. Ends the session with exit status 2 and one message where they are wrong."""
        self._read()
        if self._project is None:
            end_session(self._config, self._wrong, self._shared)
        return self._project

    def values_of(self, argument: str, marker: pytest.Mark) -> list[str]:
        """What a test's `scenario` or `environment` goes through.

        pytest turns an exit during collection into an error of that file, so files that are wrong give no values here,
        and end the session in `plan`.
        """
        self._read()
        if self._project is None:
            return []
        if argument == "environment":
            return list(self._project.environments)
        usual = {scenario.name for scenario in self._project.backend.scenarios if scenario.part == "usual"}
        return [text for text in chosen(self._project, marker) if text in usual]

    def plan(self, items: Sequence[pytest.Item]) -> None:
        """Play only the scenarios that these tests assert on; all of them where one test does not say which.

        Boot in the orders that were asked for, and in those that one of these tests asks for with its marker.
        """
        self._read()
        if self._wrong is not None and self._shared is not None:
            # To pytest-xdist a worker that ends by itself has crashed: its tests say it, and so does the controller.
            self._shared.fail(Failed(complaint(self._wrong), code_of(self._wrong)))
            return
        project, inputs = self.load(), self._inputs
        asked = [marker.kwargs.get("orders", 0) for item in items for marker in item.iter_markers("parity")]
        self._orders = max([inputs.orders if inputs is not None else 0, *asked])
        self._only = chosen_by_all(project, items)

    def run(self) -> ParityRun:
        """The session's one run."""
        if self._is_worker and self._shared is None:
            pytest.fail(
                "envparity boots each environment once for a whole session, which pytest-xdist splits over processes, "
                "and its controller does not load envparity's plugin: run these tests with `-n 0` or `-p no:xdist`",
                pytrace=False,
            )
        if self._run is None:
            project, inputs = self.load(), self._inputs
            assert inputs is not None  # noqa: S101  load() has read them
            try:
                described = saved_project(
                    project, inputs.environments, orders=self._orders, only=self._only, repeat=inputs.repeat
                )
                self._saver = Saver(described, self._options.runs, [] if self._is_worker else [self._outputs.write])
            except ConfigurationError as wrong:
                end_session(self._config, wrong, self._shared)
            causes = bool(self._options.said("causes"))
            asked = engine.RunRequest(self._only, self._orders, causes, inputs.repeat, explore=self._exploration)
            self._run = ParityRun(
                project,
                lambda emit: engine.open_run(project, inputs.launcher, emit, asked),
                lambda: announced(self._config, self._saver, self._shared),
                None if self._shared is None else self._once,
            )
        return self._run

    def _once(self, make: Callable[[], SeenAndVerdict]) -> SeenAndVerdict:
        """What the workers of this session have seen, all together once."""
        assert self._shared is not None  # noqa: S101  only then it is asked

        def seen_here() -> Seen:
            observations, verdict = make()
            file = self._saver.file if self._saver is not None else None
            return Seen(observations, verdict, "" if file is None else str(file.resolve()))

        known = self._shared.once(seen_here)
        if isinstance(known, Failed):
            pytest.fail(known.text, pytrace=False)
        return known.observations, known.verdict

    def finish_shared(self, session: pytest.Session, known: Seen | Failed) -> None:
        """What `finish` does, in the controller of workers: say the verdict, write the reports, set the exit status."""
        if isinstance(known, Failed):
            sys.stderr.write(known.text + "\n")
            session.exitstatus = known.code
        self._verdict = known.verdict
        self._read()
        try:
            if known.saved and self._wrong is None:
                self._outputs.write(read_run(Path(known.saved)))
        except EnvparityError as error:
            sys.stderr.write(complaint(error) + "\n")
            session.exitstatus = code_of(error)
            return
        if isinstance(known, Seen) and not known.verdict.clean and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = FINDINGS

    def finish(self, session: pytest.Session) -> None:
        """Remove all that was started; the session's exit status is 1 where the verdict is red and no test failed."""
        if self._run is None:
            return
        self._run.close()
        verdict = self._run.finished
        if verdict is not None:
            write_kept(self._options.said("keep"), verdict.explored)
        if verdict is not None and not verdict.clean and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = FINDINGS

    def summarise(self, reporter: pytest.TerminalReporter) -> None:
        """Print the verdict where there is one."""
        print_verdict(self._run.finished if self._run else self._verdict, reporter)

    def _read(self) -> None:
        if self._project is not None or self._wrong is not None:
            return
        try:
            self._inputs = self._options.inputs()
            self._exploration = self._options.exploration()
            self._outputs = self._options.outputs()
            self._project = engine.load(self._inputs)
        except (ConfigurationError, DoorFailed) as wrong:
            self._wrong = wrong
