"""What an audit shows of how far it has come."""

from __future__ import annotations

import io

import pytest

from envparity.faces.cli.audit_progress import shown_progress


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_in_a_pipe_it_is_a_plain_line_now_and_then() -> None:
    """None for an audit that is done at once, and never a control code."""
    stream, seconds = io.StringIO(), iter((0.0, 1.0, 11.0, 12.0, 25.0))
    with shown_progress(stream, lambda: next(seconds)) as progress:
        for done in (1, 700, 800, 2000):
            progress("modules imported", done, 2000)
    assert stream.getvalue() == "modules imported: 700 of 2000\nmodules imported: 2000 of 2000\n"


def test_a_ci_job_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where its stream says that it is one."""
    monkeypatch.setenv("CI", "true")
    stream = Terminal()
    with shown_progress(stream) as progress:
        progress("modules imported", 1, 2)
    assert stream.getvalue() == ""


def test_on_a_terminal_it_is_redrawn_and_gone_in_the_end() -> None:
    """The last thing that the terminal is told is to erase the line."""
    stream = Terminal()
    with shown_progress(stream) as progress:
        progress("modules imported", 1, 2)
    assert "modules imported: 1 of 2" in stream.getvalue()
    assert stream.getvalue().endswith("\x1b[1A\x1b[2K")
