"""How a command ends without a verdict: one message on stderr, and one code for each meaning. Imports no engine."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

import click

from envparity.engine.session.exits import INTERNAL, MACHINE, bug_report, code_of, complaint
from envparity.errors import EnvparityError, as_ours
from envparity.support.printable import printable
from envparity.support.signals import ending_on_signals

__all__ = ["EXITS", "end", "one_code", "one_message", "say"]

EXITS = """\b
Exit codes:
  0    clean: every environment kept every promise, and nothing differs undeclared
  1    findings
  2    an input is wrong; nothing was started
  3    no verdict, for a reason that is the machine's (no container engine, no image, no room to
       write what was asked for: the verdict is then said all the same)
  70   a bug of envparity: what to report is said
  130  interrupted (Ctrl-C); 143 terminated; all that was started is removed
"""


@contextmanager
def one_message() -> Iterator[None]:
    """Turn what ends a command without a verdict into one message on stderr and an exit code."""
    try:
        with ending_on_signals():
            yield
    except EnvparityError as error:
        end(code_of(error), complaint(error))


def say(text: object, *, err: bool = False) -> None:
    """Print a line, or several, on stdout or stderr; whoever wrote what is in it, it moves no cursor."""
    click.echo(printable(str(text)), err=err)


def end(code: int, text: str) -> NoReturn:
    """Say it on stderr, if anybody listens, and exit with that code."""
    with suppress(OSError):
        say(text, err=True)
    sys.exit(code)


@contextmanager
def one_code() -> Iterator[None]:
    """What was printed is written out here: at the interpreter's own end nobody could say that it failed."""
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:  # noqa: BLE001  the last edge: nothing behind it would say what it was
        closed = isinstance(error, BrokenPipeError) and _nobody_reads()
        _let_stdout_go(error)
        if closed:
            end(MACHINE, "envparity: whoever reads stdout has closed it before all was written")
        known = as_ours(error)
        if known is not None:
            end(code_of(known), complaint(known))
        end(INTERNAL, bug_report(error))


def _nobody_reads() -> bool:
    """Whether stdout is a pipe that nobody reads from any more."""
    with suppress(OSError, ValueError):
        asked = select.poll()
        asked.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in asked.poll(0))
    return False


def _let_stdout_go(error: Exception) -> None:
    """What stdout did not take, it does not take later: nothing is tried again when the interpreter ends."""
    if not isinstance(error, OSError):
        return
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
