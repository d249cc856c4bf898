"""Work outside of an event loop ends on SIGINT and SIGTERM as on an error: in order."""

from __future__ import annotations

import signal
import threading

import pytest

from envparity.engine.session.exits import code_of
from envparity.errors import Interrupted
from envparity.support.signals import ending_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_ends_a_command_with_its_code_and_what_was_before_is_back(number: signal.Signals) -> None:
    """128 plus the number, whatever the command was doing."""
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as interrupted, ending_on_signals():
        signal.raise_signal(number)
    assert code_of(interrupted.value) == 128 + number
    assert signal.getsignal(number) is before


def test_outside_of_the_main_thread_signals_are_left_alone() -> None:
    """A library that is used in a thread does not take the process's signals."""
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def work() -> None:
        with ending_on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert seen == [before]
