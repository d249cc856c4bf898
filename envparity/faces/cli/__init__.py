"""The command line: `envparity run`, `report`, `replay`, `diff`, `doctor`, `audit`, `probe`, `check`, `images`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

__all__ = ["main"]

_MACHINE = 3  # envparity.engine.session.exits, which is imported later
_SAID = b"envparity: interrupted by SIGINT; everything that was started is gone\n"


def _interrupted(_number: int, _frame: object) -> None:
    """Nothing runs that would have to be cleaned up."""
    os.write(2, _SAID)
    os._exit(128 + signal.SIGINT)


def _have_standard_streams() -> None:
    """End where stdout is closed: the next file that is opened would take its number, and all that is printed.

    What else is closed of the three is opened on nothing.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
            if number == 1:
                with contextlib.suppress(OSError):
                    os.write(2, b"envparity: stdout is closed: no verdict could be said; nothing was started\n")
                os._exit(_MACHINE)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  as long as the process


def main() -> None:
    """Run the command that stands on the command line, and exit with its code (`envparity.engine.session.exits`)."""
    # The first second is imports: Ctrl-C is one line then too. Commands end in their own way (`ending_on_signals`).
    signal.signal(signal.SIGINT, _interrupted)
    _have_standard_streams()
    from envparity.faces.cli.app import app

    try:
        app(prog_name="envparity")
    finally:
        _let_go_of_stderr()


def _let_go_of_stderr() -> None:
    """Have what cannot be said on stderr change no exit code: the interpreter ends with 120 where it cannot flush."""
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
