"""The terminal's two ways to show a run."""

from __future__ import annotations

import io
import re

import msgspec
import pytest
from rich.console import Console

from envparity.engine.events import CaseObserved, CaseStarted, Event, RunFinished, RunStarted, ScenarioPlayed, Waiting
from envparity.judge.finding import Verdict
from envparity.model.case import Boot, Case
from envparity.observe.record import Observation
from envparity.report.progress import Progress
from envparity.report.terminal import LiveTerminal, PlainTerminal, print_verdict, terminal_writer
from envparity.report.verdict import verdict_text

DOWN = Case("staging", "netra_backend", Boot(down=("postgres",)))


def _observation(case: Case, launch_failure: str | None = None) -> Observation:
    return Observation(case=case, launcher="container", run_id="3f2a9c01", launch_failure=launch_failure)


STORY: tuple[Event, ...] = (
    Waiting("", "image backend to be built"),
    Waiting("", "image backend to be built"),
    RunStarted("3f2a9c01", "container", (), "netra_backend", ("local", "staging"), 3, 5, 22),
    CaseStarted("local", "local", "local", 2),
    CaseStarted("staging", "staging", "staging", 2),
    Waiting("staging", "postgres to accept connections"),
    Waiting("staging", "postgres to accept connections"),
    ScenarioPlayed("local", "conversation[header]", departed=False, duration_s=0.4),
    ScenarioPlayed("staging", "conversation[header]", departed=True, duration_s=0.4),
    CaseObserved("local", _observation(Case("local", "netra_backend")), 2, 4.24),
    CaseStarted(DOWN.id, "staging", str(DOWN), 1),
    CaseObserved("staging", _observation(Case("staging", "netra_backend")), 1, 5.0),
    CaseObserved(DOWN.id, _observation(DOWN, "no network:\nthe engine \x1b[1mrefused\x1b[0m"), 0, 1.0),
)

PLAIN = """\
waits for image backend to be built
netra_backend in local, staging: 3 cases, 5 scenarios, 22 rules (container launcher, run 3f2a9c01)
local: boots, 2 scenarios to play
staging: boots, 2 scenarios to play
staging: waits for postgres to accept connections
staging: conversation[header] left its script
local: observed in 4.2 s; 2 cases left
staging (postgres down): boots, 1 scenario to play
staging: observed in 5.0 s; 1 case left
staging (postgres down): could not be stood up: no network: the engine refused; 0 cases left

"""


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")


def _without_codes(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_plain_is_one_line_for_an_event_worth_one(red: Verdict) -> None:
    """A wait is told once, a scenario only when it departed, and the verdict follows."""
    stream = io.StringIO()
    writer = PlainTerminal(stream)
    for event in (*STORY, RunFinished(red)):
        writer.handle(event)
    assert stream.getvalue() == PLAIN + verdict_text(red, 80)


def test_plain_never_has_a_control_code(red: Verdict) -> None:
    """Nothing but line feeds below the space."""
    stream = io.StringIO()
    writer = PlainTerminal(stream)
    for event in (*STORY, RunFinished(red)):
        writer.handle(event)
    assert {character for character in stream.getvalue() if ord(character) < 32} == {"\n"}


def test_live_display_is_gone_when_the_verdict_stands(red: Verdict) -> None:
    """On a terminal the verdict is the same text as in a pipe, with colour."""
    stream = Terminal()
    writer = LiveTerminal(Console(file=stream, width=80, force_terminal=True))
    for event in (*STORY, RunFinished(red)):
        writer.handle(event)
    shown = stream.getvalue()
    assert "\x1b[1;31mRED: 2 findings" in shown
    assert _without_codes(shown).replace("\r", "").endswith("\n" + verdict_text(red, 80))
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")  # the cursor is there again


def test_live_shows_environments_side_by_side() -> None:
    """What each waits for, the scenarios played, and the cases left, all at once."""
    writer = LiveTerminal(Console(file=Terminal(), width=80, force_terminal=True))
    for event in STORY[:9]:
        writer.handle(event)
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as captured:
        console.print(writer._render())
    writer.close()
    assert [re.split(r" {3,}", line.rstrip()) for line in captured.get().splitlines()] == [
        ["local  0 cases observed", "staging  0 cases observed"],
        ["local: observing, 1/2 scenarios", "1 scenario left the script"],
        ["", "staging: observing, 1/2 scenarios"],
        ["0 of 3 cases observed"],
    ]


ONCE_MORE = CaseStarted("staging", "staging", "staging", 2, doubted="talk came to a deadline")
PLAYED_AGAIN = ScenarioPlayed("staging", "conversation[header]", departed=False, duration_s=0.4)


def test_what_boots_once_more_is_counted_from_nothing() -> None:
    """The boot before counts no more, neither what was played in it nor what left its script."""
    progress = Progress()
    for event in (*STORY[:9], ONCE_MORE, PLAYED_AGAIN):
        progress.take(event)
    case = progress.running["staging"]
    assert (case.alone, case.played, case.departed, progress.departed["staging"]) == (True, 1, 0, 0)


def test_what_boots_once_more_is_a_line_with_the_reason() -> None:
    stream = io.StringIO()
    writer = PlainTerminal(stream)
    for event in (*STORY[:9], ONCE_MORE):
        writer.handle(event)
    added = stream.getvalue().splitlines()[6:]
    assert len(added) == 1
    assert added[0].startswith("staging: ")
    assert added[0].endswith("talk came to a deadline")


def test_live_keeps_what_could_not_be_stood_up_on_screen() -> None:
    """A launch failure is a line that stays when the display goes."""
    stream = Terminal()
    writer = LiveTerminal(Console(file=stream, width=80, force_terminal=True))
    for event in STORY:
        writer.handle(event)
    writer.close()
    assert "could not be stood up: no network:" in _without_codes(stream.getvalue())


def test_closing_before_the_verdict_gives_the_cursor_back() -> None:
    """An interrupted run leaves a usable terminal; closing twice is harmless."""
    stream = Terminal()
    writer = LiveTerminal(Console(file=stream, width=80, force_terminal=True))
    writer.handle(STORY[2])
    writer.close()
    writer.close()
    shown = stream.getvalue()
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_no_color_is_respected(red: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set, no colour is written to a terminal either (no-color.org)."""
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    print_verdict(stream, red)
    assert re.findall(r"\x1b\[[0-9;]*3[0-7]", stream.getvalue()) == []
    assert _without_codes(stream.getvalue()) == verdict_text(red, 80)


@pytest.mark.parametrize("variables", [{"CI": "true"}, {"TERM": "dumb"}])
def test_ci_and_dumb_terminals_get_plain_lines(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Live only where something that redraws itself is welcome."""
    assert isinstance(terminal_writer(Terminal()), LiveTerminal)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert isinstance(terminal_writer(Terminal()), PlainTerminal)


def test_a_pipe_and_plain_get_plain_lines() -> None:
    """A pipe is plain by itself, a terminal when asked."""
    assert isinstance(terminal_writer(io.StringIO()), PlainTerminal)
    assert isinstance(terminal_writer(Terminal(), plain=True), PlainTerminal)


def test_progress_only_leaves_the_verdict_to_others(red: Verdict) -> None:
    """Pytest prints the verdict itself, after its own summary."""
    stream = io.StringIO()
    terminal_writer(stream, verdict=False).handle(RunFinished(red))
    assert "RED" not in stream.getvalue()


def test_many_environments_stand_below_one_another() -> None:
    """What does not fit side by side is a row each; nothing is squeezed out."""
    names = tuple(f"environment-{number}" for number in range(6))
    writer = LiveTerminal(Console(file=Terminal(), width=80, force_terminal=True))
    writer.handle(msgspec.structs.replace(STORY[2], environments=names))
    console = Console(file=io.StringIO(), width=80)
    with console.capture() as captured:
        console.print(writer._render())
    writer.close()
    assert [line for line in captured.get().splitlines() if line.startswith("environment-")] != []
    assert all(name in captured.get() for name in names)
