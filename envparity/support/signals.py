"""What the signals that end a run do outside of an event loop: they end the work as an error does, which cleans up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from envparity.errors import Interrupted

__all__ = ["ENDING", "ending_on_signals"]

_HEARD = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN  # nohup(1) asks for the contrary
ENDING = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if _HEARD else ()))
"""The signals that end a run: an interrupted one, a told one, and one whose terminal was closed."""


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP raise `Interrupted` where the code stands, instead of ending the process.

    A run has handlers of its own in its event loop meanwhile. Does nothing outside of the main thread.
    """

    def stop(number: int, _frame: object) -> None:
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
