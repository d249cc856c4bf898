"""How far an audit has come, on standard error: a line that is redrawn on a terminal, else a line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from envparity.report.columns import wants_live

__all__ = ["shown_progress"]

Progress = Callable[[str, int, int], None]

_EVERY_S = 10.0  # between two lines where nothing can be redrawn: an audit of an ordinary backend prints none


@contextmanager
def shown_progress(stream: IO[str], clock: Callable[[], float] = time.monotonic) -> Iterator[Progress]:
    """What `audit` tells how far it has come; what a terminal shows of it is gone in the end."""
    if not wants_live(stream):
        yield _plain(stream, clock)
        return
    from rich.console import Console
    from rich.status import Status

    with Status("", console=Console(file=stream)) as status:
        yield lambda what, done, of: status.update(_said(what, done, of))


def _plain(stream: IO[str], clock: Callable[[], float]) -> Progress:
    last_s = clock()

    def progress(what: str, done: int, of: int) -> None:
        nonlocal last_s
        now_s = clock()
        if now_s - last_s < _EVERY_S:
            return
        last_s = now_s
        stream.write(_said(what, done, of) + "\n")
        stream.flush()

    return progress


def _said(what: str, done: int, of: int) -> str:
    return f"{what}: {done} of {of}" if of else f"{what} …"
