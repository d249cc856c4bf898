"""What the pytest plugin does in a session that uses it: inputs, plan, progress, verdict."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NoReturn

import pytest

from envparity.errors import ConfigurationError, DoorFailed, EnvparityError, Mistake
from envparity.faces.parity_run import ParityRun
from envparity.model.reach import plays
from envparity.model.subject import Subject
from envparity.report.github import CHOICES
from envparity.report.kinds import REPORTS
from envparity.report.layout import Style
from envparity.report.outputs import Outputs
from envparity.report.saved import Saver, runs_folder, saved_subject
from envparity.report.terminal import terminal_writer, verdict_width
from envparity.report.verdict import verdict_lines
from envparity.report.writer import Tee, Writer
from envparity.session import engine
from envparity.session.attaching import Attaching
from envparity.session.exits import FINDINGS, code_of, complaint
from envparity.session.inputs import Inputs

__all__ = ["ParitySession"]

_MARKUP: dict[Style, dict[str, bool]] = {
    "": {}, "quote": {}, "label": {"light": True}, "command": {"bold": True},
    "clean": {"green": True, "bold": True}, "red": {"red": True, "bold": True}, "code": {"red": True, "bold": True},
}  # fmt: skip


_PATHS = frozenset({"backend", "environments", "runs"})


class ParitySession:
    """One pytest session that uses envparity."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._subject: Subject | None = None
        self._wrong: EnvparityError | None = None
        self._inputs: Inputs | None = None
        self._only: tuple[str, ...] = ()
        self._orders = 0
        self._run: ParityRun | None = None
        self._outputs = Outputs()
        self._saver: Saver | None = None  # of the whole session: a run may be asked several times

    def load(self) -> Subject:
        """Read the files once. Ends the session with exit status 2 and one message where they are wrong."""
        self._read()
        if self._subject is None:
            self._end(self._wrong)
        return self._subject

    def values_of(self, argument: str, marker: pytest.Mark) -> list[str]:
        """What a test's `scenario` or `environment` goes through.

        pytest turns an exit during collection into an error of that file, so files that are wrong give no values here,
        and end the session in `plan`.
        """
        self._read()
        if self._subject is None:
            return []
        if argument == "environment":
            return list(self._subject.environments)
        usual = {one.name for one in self._subject.backend.scenarios if one.part == "usual"}
        return [one for one in _chosen(self._subject, marker) if one in usual]

    def plan(self, items: Sequence[pytest.Item]) -> None:
        """Play only the scenarios that these tests assert on; all of them where one test does not say which.

        Boot in the orders that were asked for, and in those that one of these tests asks for with its marker.
        """
        subject, inputs = self.load(), self._inputs
        asked = [one.kwargs.get("orders", 0) for item in items for one in item.iter_markers("parity")]
        self._orders = max([inputs.orders if inputs is not None else 0, *asked])
        known = {one.name for one in subject.backend.scenarios}
        needed: dict[str, None] = {}
        for item in items:
            parameters = getattr(getattr(item, "callspec", None), "params", {})
            marker = item.get_closest_marker("parity")
            if "scenario" in parameters:
                needed |= dict.fromkeys({parameters["scenario"]} & known)  # the test itself says that it is unknown
            elif marker is None or not (marker.args or marker.kwargs):
                self._only = ()
                return
            else:
                needed |= dict.fromkeys(_chosen(subject, marker))
        self._only = tuple(needed)

    def run(self) -> ParityRun:
        """The session's one run."""
        if hasattr(self._config, "workerinput"):
            pytest.fail(
                "envparity boots each environment once for a whole session, which pytest-xdist splits over processes: "
                "run these tests with `-n 0` or `-p no:xdist` (the environments boot in parallel all the same)",
                pytrace=False,
            )
        if self._run is None:
            subject, inputs = self.load(), self._inputs
            assert inputs is not None  # noqa: S101  load() has read them
            try:
                self._saver = self._new_saver(subject, inputs, self._orders)
            except ConfigurationError as wrong:
                self._end(wrong)
            self._run = ParityRun(
                subject,
                lambda emit: engine.open_run(
                    subject,
                    inputs.launcher,
                    emit,
                    self._only,
                    self._orders,
                    causes=bool(self._said("causes")),
                    repeat=inputs.repeat,
                ),
                self._announced,
            )
        return self._run

    def finish(self, session: pytest.Session) -> None:
        """Remove all that was started; the session's exit status is 1 where the verdict is red and no test failed."""
        if self._run is None:
            return
        self._run.close()
        verdict = self._run.finished
        if verdict is not None and not verdict.clean and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = FINDINGS

    def summarise(self, reporter: pytest.TerminalReporter) -> None:
        """Print the verdict where there is one."""
        verdict = self._run.finished if self._run else None
        if verdict is None:
            return
        reporter.section("envparity")
        for one in verdict_lines(verdict, verdict_width()):
            for span in one:
                reporter.write(span.text, **_MARKUP[span.style])
            reporter.write("\n")

    def _read(self) -> None:
        if self._subject is not None or self._wrong is not None:
            return
        try:
            self._inputs = Inputs.find(
                backend=self._said("backend"), environments=self._said("environments"),
                launcher=self._said("launcher"), orders=self._said("orders"),
                attaching=Attaching(tuple(self._said("attach") or ()), tuple(self._said("confirm-target") or ())),
                names=self._said("environment") or (), repeat=self._said("repeat"),
                root=self._config.invocation_params.dir,
            )  # fmt: skip
            self._outputs = self._asked_for()
            self._subject = engine.load(self._inputs)
        except (ConfigurationError, DoorFailed) as wrong:
            self._wrong = wrong

    def _asked_for(self) -> Outputs:
        """The reports to make in the end. Raises `ConfigurationError` where one could not be written."""
        choice = self._said("github") or "auto"
        if choice not in CHOICES:
            expected = " or ".join(CHOICES)
            raise ConfigurationError([Mistake("--envparity-github", 0, "github", expected, repr(choice))])
        outputs = Outputs(dict(self._asked_reports()), choice)
        outputs.check()
        return outputs

    def _asked_reports(self) -> Iterator[tuple[str, Path]]:
        """The reports that an option names, each with its file. Raises `DoorFailed` where names clash."""
        for name in REPORTS.entries():
            if file := self._said(name, path=True):
                yield name, file

    def _new_saver(self, subject: Subject, inputs: Inputs, orders: int) -> Saver:
        """Where the run is saved, and what is made of it in the end."""
        folder = runs_folder(self._said("runs"), self._config.invocation_params.dir)
        return Saver(saved_subject(subject, inputs.environments, orders=orders), folder, [self._outputs.write])

    def _said(self, name: str, *, path: bool = False) -> Any:
        """The option; or the ini option, whose paths are relative to the ini file's folder."""
        option = self._config.getoption(f"--envparity-{name}")
        if option:
            return self._config.invocation_params.dir / option if path or name in _PATHS else option
        ini = self._config.getini(f"envparity_{name.replace('-', '_')}")
        if ini and (path or name in _PATHS):
            return (self._config.inipath.parent if self._config.inipath else self._config.rootpath) / ini
        return ini or None

    @contextmanager
    def _announced(self) -> Iterator[Writer]:
        """A writer of progress on the real terminal: pytest captures nothing meanwhile, and SIGTERM cleans up."""
        capture = self._config.pluginmanager.getplugin("capturemanager")
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        with capture.global_and_fixture_disabled() if capture else nullcontext(), _terminated_cleanly():
            if reporter is not None:
                reporter.ensure_newline()
            writer = Tee([terminal_writer(sys.stdout, verdict=False), *([self._saver] if self._saver else [])])
            try:
                try:
                    yield writer
                finally:
                    writer.close()
            except EnvparityError as error:
                self._end(error)

    def _end(self, error: EnvparityError | None) -> NoReturn:
        """One message on stderr, then the end of the session with that error's exit code."""
        assert error is not None  # noqa: S101  a session ends for a reason
        capture = self._config.pluginmanager.getplugin("capturemanager")
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            sys.stderr.write(complaint(error) + "\n")
            sys.stderr.flush()
        what = "the configuration is wrong" if isinstance(error, ConfigurationError) else "no verdict"
        pytest.exit(f"envparity: {what}, as said above", returncode=code_of(error))


def _chosen(subject: Subject, marker: pytest.Mark) -> list[str]:
    """The names of the scenarios that a marker speaks of, in the order of the backend file; but for those that none
    of the environments can play.
    """
    group: str | None = marker.kwargs.get("group")
    names = subject.environments
    playable = [one for one in subject.backend.scenarios if any(plays(subject, name, one) for name in names)]
    of_group = [one.name for one in playable if group is None or one.group == group]
    if not marker.args:
        return of_group
    return [one for one in of_group if any(_matches(one, pattern) for pattern in marker.args)]


def _matches(name: str, pattern: str) -> bool:
    """The name itself, the name without the carrier in brackets, or a glob: as `--only` has it."""
    return pattern in (name, name.partition("[")[0]) or fnmatchcase(name, pattern)


@contextmanager
def _terminated_cleanly() -> Iterator[None]:
    """SIGTERM ends pytest without a word; while something boots it is an exit that cleans up."""

    def stop(number: int, _frame: object) -> None:
        pytest.exit(f"envparity: stopped by {signal.Signals(number).name}", returncode=128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
