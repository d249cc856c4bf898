"""What a session says on the real terminal, past pytest's capture: progress, the verdict, and why it ends."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NoReturn

import pytest

from envparity.engine.events import Event, RunFinished
from envparity.engine.session.exits import code_of, complaint
from envparity.errors import ConfigurationError, EnvparityError, Interrupted
from envparity.faces.pytest.shared import Failed, SharedRun
from envparity.judge.finding import Verdict
from envparity.report import terminal
from envparity.report.columns import verdict_width
from envparity.report.layout import Style
from envparity.report.saved import Saver
from envparity.report.terminal import terminal_writer
from envparity.report.verdict import verdict_lines
from envparity.report.writer import Tee, Writer
from envparity.support.signals import ENDING

__all__ = ["announced", "end_session", "print_verdict"]

_MARKUP: dict[Style, dict[str, bool]] = {
    "": {}, "quote": {}, "label": {"light": True}, "command": {"bold": True},
    "clean": {"green": True, "bold": True}, "red": {"red": True, "bold": True}, "code": {"red": True, "bold": True},
}  # fmt: skip


@contextmanager
def announced(config: pytest.Config, saver: Saver | None, shared: SharedRun | None) -> Iterator[Writer]:
    """A writer of progress on the real terminal: pytest captures nothing meanwhile, and SIGTERM and SIGHUP clean up.

    So is a verdict of what was seen before something ended the run: pytest has no summary where a session is ended.
    """
    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")
    with capture.global_and_fixture_disabled() if capture else nullcontext(), _terminated_cleanly():
        if reporter is not None:
            reporter.ensure_newline()
        told = _BrokenOff()
        writer = Tee([terminal_writer(sys.stdout, verdict=False), told, *([saver] if saver else [])])
        try:
            try:
                yield writer
            finally:
                writer.close()
        except EnvparityError as error:
            file = None if saver is None or told.verdict is None else saver.file
            end_session(config, error, shared, told.verdict, "" if file is None else str(file.resolve()))


class _BrokenOff:
    """Prints the verdict of a run that something ended; that of one that came to its end is for the summary."""

    def __init__(self) -> None:
        self.verdict: Verdict | None = None

    def handle(self, event: Event) -> None:
        if isinstance(event, RunFinished) and event.verdict.broken_off:
            self.verdict = event.verdict
            sys.stdout.write("\n")
            terminal.print_verdict(sys.stdout, event.verdict)

    def close(self) -> None:
        """Nothing is open."""


def end_session(
    config: pytest.Config,
    error: EnvparityError | None,
    shared: SharedRun | None,
    seen: Verdict | None = None,
    saved: str = "",
) -> NoReturn:
    """One message on stderr, then the end of the session with that error's exit code."""
    assert error is not None  # noqa: S101  a session ends for a reason
    if shared is not None:
        shared.fail(Failed(complaint(error), code_of(error), seen, saved))
        if not isinstance(error, Interrupted):
            pytest.fail(complaint(error), pytrace=False)
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        sys.stderr.write(complaint(error) + "\n")
        sys.stderr.flush()
    what = "the configuration is wrong" if isinstance(error, ConfigurationError) else "no verdict"
    pytest.exit(f"envparity: {what}, as said above", returncode=code_of(error))


def print_verdict(verdict: Verdict | None, reporter: pytest.TerminalReporter) -> None:
    """The verdict as a section of pytest's summary, where there is one."""
    if verdict is None:
        return
    reporter.section("envparity")
    for line in verdict_lines(verdict, verdict_width()):
        for span in line:
            reporter.write(span.text, **_MARKUP[span.style])
        reporter.write("\n")


@contextmanager
def _terminated_cleanly() -> Iterator[None]:
    """SIGTERM and SIGHUP end pytest without a word; while something boots they are an error that cleans up."""

    def stop(number: int, _frame: object) -> None:
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in ENDING if number != signal.SIGINT}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
