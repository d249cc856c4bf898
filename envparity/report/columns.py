"""How wide plain output is, and whether something that redraws itself is welcome."""

from __future__ import annotations

import os
import shutil
from typing import IO, Final

__all__ = ["DEFAULT_WIDTH", "WIDEST", "verdict_width", "wants_live"]

DEFAULT_WIDTH: Final = 80
WIDEST: Final = 110  # columns; longer lines are hard to read


def wants_live(stream: IO[str]) -> bool:
    """Whether something that redraws itself is welcome: a terminal that can, and not a CI job's."""
    return stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("CI")


def verdict_width() -> int:
    """The columns of plain output: the terminal's or COLUMNS, 80 in a pipe, and never more than can be read."""
    return max(40, min(shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns, WIDEST))
