"""What SIGINT and SIGTERM do outside of an event loop: they end the work as an error does, so that it cleans up."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from envparity.errors import Interrupted

__all__ = ["ending_on_signals"]


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGINT and SIGTERM raise `Interrupted` where the code stands, instead of ending the process.

    A run has handlers of its own in its event loop meanwhile. Does nothing outside of the main thread.
    """

    def stop(number: int, _frame: object) -> None:
        raise Interrupted(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
