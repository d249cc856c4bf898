"""The terminal: progress while environments boot, then the verdict.

On a terminal the progress is live and vanishes before the verdict. In a pipe or in CI every event that is worth a line
is a line, without control codes. The verdict is the same text in both.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import IO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from envparity.engine.events import (
    CaseObserved,
    CaseStarted,
    Event,
    OrderBooted,
    OrdersPlanned,
    RunFinished,
    RunStarted,
    ScenarioPlayed,
    Waiting,
)
from envparity.judge.finding import Verdict
from envparity.report.columns import WIDEST, verdict_width, wants_live
from envparity.report.layout import Line, Style, printable
from envparity.report.progress import CaseProgress, Progress
from envparity.report.verdict import counted, launchers, verdict_lines, verdict_text
from envparity.report.writer import Writer

__all__ = ["LiveTerminal", "PlainTerminal", "print_verdict", "terminal_writer"]

_LOOK: dict[Style, str] = {
    "": "",
    "clean": "bold green",
    "red": "bold red",
    "code": "bold red",
    "label": "dim",
    "quote": "",
    "command": "bold",
}
_EVERY_ORDERS = 10  # boots between two lines of progress
_COLUMN_WIDTH = 22  # an environment beside another needs this many columns


def terminal_writer(stream: IO[str], *, plain: bool = False, verdict: bool = True) -> Writer:
    """The writer that suits this stream. `verdict` False: progress only, where somebody else prints the verdict."""
    if plain or not wants_live(stream):
        return PlainTerminal(stream, verdict=verdict)
    return LiveTerminal(Console(file=stream), verdict=verdict)


def print_verdict(stream: IO[str], verdict: Verdict, *, plain: bool = False) -> None:
    """The verdict alone, in colour on a terminal (unless NO_COLOR is set)."""
    if plain or not wants_live(stream):
        stream.write(verdict_text(verdict, verdict_width()))
        stream.flush()
        return
    console = Console(file=stream)
    _print_styled(console, verdict_lines(verdict, min(console.width, WIDEST)))


class PlainTerminal:
    """One line for an event worth one. Never a control code, never a line taken back."""

    def __init__(self, stream: IO[str], *, verdict: bool = True) -> None:
        self._stream = stream
        self._verdict = verdict
        self._progress = Progress()
        self._last_wait: dict[str, str] = {}

    def handle(self, event: Event) -> None:
        self._progress.take(event)
        for text in self._lines(event):
            self._stream.write(printable(text).replace("\n", " ") + "\n")
        if isinstance(event, RunFinished) and self._verdict:
            self._stream.write("\n" + verdict_text(event.verdict, verdict_width()))
        self._stream.flush()

    def close(self) -> None:
        self._stream.flush()

    def _lines(self, event: Event) -> Iterator[str]:
        match event:
            case RunStarted():
                yield _opening(event)
            case Waiting():
                if self._last_wait.get(event.case) != event.waited_for:
                    self._last_wait[event.case] = event.waited_for
                    who = f"{self._progress.title(event.case)}: " if event.case else ""
                    yield f"{who}waits for {event.waited_for}"
            case CaseStarted(doubted=why) if why:
                yield f"{event.title}: boots once more, alone: {why}"
            case CaseStarted():
                yield f"{event.title}: boots, {counted(event.scenarios, 'scenario')} to play"
            case OrdersPlanned():
                yield f"{self._progress.title(event.case)}: {event.boots} boots in other orders; {event.title}"
            case OrderBooted() if event.done % _EVERY_ORDERS == 0 or event.done == event.of:
                yield f"{self._progress.title(event.case)}: {event.done} of {event.of} orders booted"
            case ScenarioPlayed(departed=True):
                yield f"{self._progress.title(event.case)}: {event.scenario} left its script"
            case CaseObserved():
                yield f"{self._progress.title(event.case)}: {_ending(event)}; {counted(event.left, 'case')} left"
            case _:
                return


class LiveTerminal:
    """The environments side by side: what each waits for now, scenarios played, cases left. Then the verdict."""

    def __init__(self, console: Console, *, verdict: bool = True) -> None:
        self._console = console
        self._verdict = verdict
        self._progress = Progress()
        self._lock = threading.Lock()  # the display is redrawn from a thread of its own
        self._live: Live | None = None

    def handle(self, event: Event) -> None:
        with self._lock:
            self._progress.take(event)
        if isinstance(event, RunFinished):
            self.close()
            if self._verdict:
                _print_styled(self._console, verdict_lines(event.verdict, min(self._console.width, WIDEST)))
            return
        if self._live is None:  # images are waited for before the run starts
            self._live = Live(
                get_renderable=self._render, console=self._console, transient=True, refresh_per_second=8,
                redirect_stdout=False, redirect_stderr=False,
            )  # fmt: skip
            self._live.start()
        if isinstance(event, RunStarted):
            self._say(_opening(event))
        elif isinstance(event, CaseObserved) and event.observation.launch_failure:
            self._say(f"{self._progress.title(event.case)}: {_ending(event)}")

    def close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _say(self, text: str) -> None:
        """A line that stays, above what is redrawn."""
        self._console.print(Text(printable(text)), soft_wrap=True)

    def _render(self) -> RenderableType:
        with self._lock:
            progress = self._progress
            rows: list[RenderableType] = [self._environments()]
            if progress.waits_for:
                rows.append(Text(f"waits for {printable(progress.waits_for)}"))
            if progress.cases:
                done = f"{progress.cases - progress.left} of {counted(progress.cases, 'case')} observed"
                rows.append(Text(done, style="dim"))
            return Group(*rows)

    def _environments(self) -> Table:
        names = self._progress.environments
        table = Table.grid(padding=(0, 2), expand=True)
        if len(names) * _COLUMN_WIDTH <= self._console.width:
            for _ in names:
                table.add_column(ratio=1)
            table.add_row(*(self._environment(name) for name in names))
        else:
            table.add_column(ratio=1)
            for name in names:
                table.add_row(self._environment(name))
        return table

    def _environment(self, name: str) -> Text:
        done = counted(self._progress.observed.get(name, 0), "case") + " observed"
        departed = self._progress.departed.get(name, 0)
        text = Text.assemble((name, "bold"), (f"  {done}", "dim"))
        if departed:
            text.append(f"\n{counted(departed, 'scenario')} left the script", style="red")
        for case in self._progress.running.values():
            if case.environment == name:
                text.append("\n" + _running(case))
        return text


def _running(case: CaseProgress) -> str:
    doing = f"waits for {case.waits_for}" if case.waits_for else "observing"
    title = f"{case.title}, once more, alone" if case.alone else case.title
    return printable(f"{title}: {doing}, {case.played}/{case.scenarios} scenarios")


def _opening(event: RunStarted) -> str:
    extent = ", ".join(
        (counted(event.cases, "case"), counted(event.scenarios, "scenario"), counted(event.rules, "rule"))
    )
    by = f"{event.launcher} launcher" if not event.attached else launchers(event.launcher, event.attached)
    return f"{event.backend} in {', '.join(event.environments)}: {extent} ({by}, run {event.run_id})"


def _ending(event: CaseObserved) -> str:
    failure = event.observation.launch_failure
    if failure:
        return f"could not be stood up: {failure}"
    return f"observed in {event.duration_s:.1f} s"


def _print_styled(console: Console, lines: Iterable[Line]) -> None:
    for line in lines:
        console.print(Text.assemble(*((span.text, _LOOK[span.style]) for span in line)), soft_wrap=True)
