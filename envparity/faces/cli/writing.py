"""Who is told of a run on the command line: the terminal, the folder of saved runs, a file of all events."""

from __future__ import annotations

import sys
from pathlib import Path

from envparity.errors import ConfigurationError, Mistake
from envparity.report.ndjson import NdjsonWriter
from envparity.report.saved_project import SavedProject
from envparity.report.terminal import terminal_writer
from envparity.report.writer import Tee, Writer

__all__ = ["ndjson_writer", "writer_of"]


def writer_of(ndjson: Path | None, saver: Writer, *, plain: bool) -> Writer:
    """The verdict is printed before the reports are made: a report that cannot be written does not swallow it."""
    writers = (terminal_writer(sys.stdout, plain=plain), saver)
    return Tee(writers if ndjson is None else (ndjson_writer(ndjson), *writers))


def ndjson_writer(path: Path, project: SavedProject | None = None) -> Writer:
    """Every event as a line in that file. Raises `ConfigurationError` where it cannot be written."""
    try:
        return NdjsonWriter(path, project)
    except OSError as error:
        mistake = Mistake("--ndjson", 0, str(path), "a file that can be written", error.strerror or "an error")
        raise ConfigurationError([mistake]) from error
