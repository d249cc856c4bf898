"""A run on disk: what it was about, then its events. What `report`, `replay` and `diff` work on after the run is over.

One file a run, `<run id>.ndjson`: the first line is a `SavedProject`, every other line an event. Nothing in it is a
secret: of the inputs it keeps what the reports show, without the values of settings; those that may be shown stand in
the observations.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from envparity.engine.events import CaseObserved, Event, OrderBooted, OrdersPlanned, RunFinished, RunStarted
from envparity.errors import ConfigurationError, Mistake
from envparity.judge.finding import Verdict
from envparity.observe.record import Observation
from envparity.report.private import make_private_folder, open_private
from envparity.report.saved_project import FORMAT, SavedEnvironment, SavedProject, SavedScenario, saved_project
from envparity.support.reading import opened
from envparity.support.toml.document import did_you_mean, shown_path

__all__ = [
    "KEPT",
    "RUNS",
    "SavedEnvironment",
    "SavedProject",
    "SavedRun",
    "SavedScenario",
    "Saver",
    "find_run",
    "is_own",
    "newest_run",
    "read_lines",
    "read_run",
    "runs_folder",
    "saved_project",
    "saved_runs",
]

RUNS: Final = Path(".envparity/runs")
KEPT: Final = 20
_LARGEST: Final = 1 << 27
"""Bytes; what is read of them takes about three times that. A run of a hundred orders in three environments has a tenth
of it."""


class SavedRun(msgspec.Struct, frozen=True):
    """One run as it was: what it was about, what was observed, the verdict. Orders are planned and booted, not kept."""

    project: SavedProject
    started: RunStarted
    observations: tuple[Observation, ...]
    verdict: Verdict
    planned: tuple[OrdersPlanned, ...] = ()
    booted: tuple[OrderBooted, ...] = ()

    def observed(self, case: str) -> Observation | None:
        """The observation of the case with that id."""
        return next((observation for observation in self.observations if observation.case.id == case), None)

    @classmethod
    def of(cls, project: SavedProject, events: Sequence[Event]) -> SavedRun | None:
        """The run that these events are, or None where it was interrupted before its verdict."""
        started = next((event for event in events if isinstance(event, RunStarted)), None)
        finished = next((event for event in events if isinstance(event, RunFinished)), None)
        if started is None or finished is None:
            return None
        return cls(
            project=project,
            started=started,
            observations=tuple(event.observation for event in events if isinstance(event, CaseObserved)),
            verdict=finished.verdict,
            planned=tuple(event for event in events if isinstance(event, OrdersPlanned)),
            booted=tuple(event for event in events if isinstance(event, OrderBooted)),
        )


_Line = SavedProject | Event
_DECODER: msgspec.json.Decoder[_Line] = msgspec.json.Decoder(_Line)


class Saver:
    """Writes a run to its file while it lasts, and hands it to `outputs` when there is a verdict.

    The folder is made at once, so that a run that cannot be saved ends before anything boots. A killed run leaves what
    it saw, in whole lines.
    """

    def __init__(self, project: SavedProject, folder: Path, outputs: Sequence[Callable[[SavedRun], None]] = ()) -> None:
        """Raises `ConfigurationError` where the folder cannot be written to."""
        self._project = project
        self._folder = folder
        self._outputs = tuple(outputs)
        self._events: list[Event] = []
        self._encoder = msgspec.json.Encoder()
        self._file: Path | None = None
        _make_folder(folder)

    def handle(self, event: Event) -> None:
        if isinstance(event, RunStarted):
            self._begin(event.run_id)
        if self._file is None:
            return
        self._events.append(event)
        with open_private(self._file, append=True, follow=False) as file:
            file.write(self._encoder.encode(event) + b"\n")
        if isinstance(event, RunFinished):
            self._finish()

    @property
    def file(self) -> Path | None:
        """Where the run is saved, once it has begun."""
        return self._file

    def close(self) -> None:
        """Nothing is open between two events."""

    def _begin(self, run_id: str) -> None:
        self._file = self._folder / f"{run_id}.ndjson"
        with open_private(self._file, follow=False) as file:
            file.write(self._encoder.encode(self._project) + b"\n")
        for old in saved_runs(self._folder)[KEPT:]:
            old.unlink(missing_ok=True)

    def _finish(self) -> None:
        run = SavedRun.of(self._project, self._events)
        self._events.clear()
        if run is not None:
            for output in self._outputs:
                output(run)


def runs_folder(said: str | Path | None = None, root: Path | None = None) -> Path:
    """Where runs are saved: what was said, else ENVPARITY_RUNS, else `.envparity/runs` below `root` (or here)."""
    given = said or os.environ.get("ENVPARITY_RUNS")
    return Path(given) if given else (root or Path()) / RUNS


def saved_runs(folder: Path) -> list[Path]:
    """The files of the saved runs, the newest first."""
    found = [
        (each_path.stat().st_mtime_ns, each_path.name, each_path)
        for each_path in folder.glob("*.ndjson")
        if each_path.is_file()
    ]
    return [path for *_, path in sorted(found, reverse=True)]


def newest_run(folder: Path) -> SavedRun:
    """The newest run that came to a verdict. Raises `ConfigurationError` where there is none."""
    for path in saved_runs(folder):
        run = _read(path)
        if run is not None:
            return run
    got = "runs that were interrupted, and no other" if saved_runs(folder) else "no saved run"
    raise ConfigurationError(
        [Mistake("saved runs", 0, shown_path(folder), "a run that came to a verdict", got, "`envparity run` saves one")]
    )


def is_file(name: str) -> bool:
    """Whether a run is named by a file, not by its id."""
    return name.endswith(".ndjson") or "/" in name


def is_own(name: str | None, folder: Path) -> bool:
    """Whether the run of that name (None: the newest) was saved in that folder, and is no file from elsewhere."""
    return name is None or not is_file(name) or Path(name).resolve().parent == folder.resolve()


def find_run(name: str, folder: Path) -> SavedRun:
    """The saved run of that id (or of its beginning), or in that file. Raises `ConfigurationError`."""
    if is_file(name):
        return read_run(Path(name))
    having = [run for run in saved_runs(folder) if run.stem.startswith(name)]
    if len(having) == 1:
        return read_run(having[0])
    known = [run.stem for run in saved_runs(folder)]
    if having:
        got, action = f"{len(having)} that begin so: {', '.join(path.stem for path in having)}", "say more of it"
    else:
        got, action = "none of that id", did_you_mean(name, known) or f"there are {', '.join(known) or 'none'}"
    raise ConfigurationError([Mistake("RUN", 0, name, f"a saved run in {shown_path(folder)}, or a file", got, action)])


def read_run(path: Path) -> SavedRun:
    """The run in that file. Raises `ConfigurationError` where there is none, or where it has no verdict."""
    run = _read(path)
    if run is None:
        raise _unreadable(path, 0, "a run that came to a verdict", "one that was interrupted", "run it again")
    return run


def read_lines(path: Path) -> tuple[SavedProject, list[Event]]:
    """What the run in that file was about, and all its events, also where it came to no verdict.

    Raises `ConfigurationError` where it is no saved run.
    """
    try:
        with opened(path) as file:
            read = [_decoded(path, number, line) for number, line in enumerate(file.lines(_LARGEST), start=1)]
    except OSError as error:
        raise _unreadable(path, 0, "a saved run", error.strerror or "an error", "check the path") from error
    project = next((item for item in read if isinstance(item, SavedProject)), None)
    events = [item for item in read if not isinstance(item, SavedProject)]
    if project is None:
        action = "`envparity run` saves runs; what --ndjson writes is the bare stream"
        raise _unreadable(path, 1, "what the run was about", "something else", action)
    return project, events


def _read(path: Path) -> SavedRun | None:
    return SavedRun.of(*read_lines(path))


def _decoded(path: Path, number: int, line: bytes) -> _Line:
    try:
        read = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        action = "it is no saved run, or another version of envparity wrote it"
        raise _unreadable(path, number, "a line of a saved run", str(error), action) from error
    if isinstance(read, SavedProject) and read.format != FORMAT:
        action = "another version of envparity wrote it: run it again with this one"
        raise _unreadable(path, number, f"a saved run of format {FORMAT}", f"format {read.format}", action)
    return read


def _unreadable(path: Path, line: int, expected: str, got: str, action: str) -> ConfigurationError:
    return ConfigurationError([Mistake(shown_path(path), line, "(file)", expected, got, action)])


def _make_folder(folder: Path) -> None:
    try:
        make_private_folder(folder)
        reason = "" if os.access(folder, os.W_OK) else "one that may not be written to"
    except OSError as error:
        reason = error.strerror or "an error"
    if reason:
        action = "name another with --runs or ENVPARITY_RUNS"
        raise ConfigurationError([Mistake("--runs", 0, shown_path(folder), "a folder for saved runs", reason, action)])
