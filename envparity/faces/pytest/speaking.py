"""What a session says on the real terminal, past pytest's capture: progress, the verdict, and why it ends."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import NoReturn

import pytest

from envparity.errors import ConfigurationError, EnvparityError
from envparity.faces.pytest.shared import SharedRun
from envparity.judge.finding import Verdict
from envparity.report.columns import verdict_width
from envparity.report.layout import Style
from envparity.report.saved import Saver
from envparity.report.terminal import terminal_writer
from envparity.report.verdict import verdict_lines
from envparity.report.writer import Tee, Writer
from envparity.session.exits import code_of, complaint

__all__ = ["announced", "end_session", "print_verdict"]

_MARKUP: dict[Style, dict[str, bool]] = {
    "": {}, "quote": {}, "label": {"light": True}, "command": {"bold": True},
    "clean": {"green": True, "bold": True}, "red": {"red": True, "bold": True}, "code": {"red": True, "bold": True},
}  # fmt: skip


@contextmanager
def announced(config: pytest.Config, saver: Saver | None, shared: SharedRun | None) -> Iterator[Writer]:
    """A writer of progress on the real terminal: pytest captures nothing meanwhile, and SIGTERM cleans up."""
    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")
    with capture.global_and_fixture_disabled() if capture else nullcontext(), _terminated_cleanly():
        if reporter is not None:
            reporter.ensure_newline()
        writer = Tee([terminal_writer(sys.stdout, verdict=False), *([saver] if saver else [])])
        try:
            try:
                yield writer
            finally:
                writer.close()
        except EnvparityError as error:
            end_session(config, error, shared)


def end_session(config: pytest.Config, error: EnvparityError | None, shared: SharedRun | None) -> NoReturn:
    """One message on stderr, then the end of the session with that error's exit code."""
    assert error is not None  # noqa: S101  a session ends for a reason
    if shared is not None:
        shared.fail(complaint(error), code_of(error))
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
    for one in verdict_lines(verdict, verdict_width()):
        for span in one:
            reporter.write(span.text, **_MARKUP[span.style])
        reporter.write("\n")


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
