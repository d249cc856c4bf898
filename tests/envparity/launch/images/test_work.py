"""Long work in threads: done side by side, and given up at once when somebody interrupts."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from envparity.errors import DeadlineExceeded, EngineUnavailable
from envparity.launch.container.engine import Engine
from envparity.launch.images import work as image_work
from envparity.launch.images.log import ImageError, run_program
from envparity.launch.images.work import CalledOff, ending_when_called_off, not_called_off, side_by_side

PROMPTLY_S = 5.0


@pytest.fixture
def alarm() -> Iterator[None]:
    """SIGALRM raises in the main thread, as the handlers of SIGINT and SIGTERM do."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_results_come_in_the_order_of_the_arguments() -> None:
    """Whoever is done first; and nothing to do is nothing done."""
    turn = threading.Event()

    def double(number: int) -> int:
        if number == 1 and (os.cpu_count() or 1) > 1:
            assert turn.wait(PROMPTLY_S)
        turn.set()
        return 2 * number

    assert side_by_side(double, [1, 2, 3]) == [2, 4, 6]
    assert side_by_side(double, []) == []


def test_the_first_failure_is_raised_when_all_have_ended() -> None:
    """One image that cannot be had does not break off the others."""
    done = []

    def work(number: int) -> int:
        if number != 2:
            raise ImageError(f"image-{number}", "no")
        done.append(number)
        return number

    with pytest.raises(ImageError, match="image-1"):
        side_by_side(work, [1, 2, 3])
    assert done == [2]


def test_an_interrupt_does_not_wait_for_work_that_cannot_be_ended(alarm: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that waits for the engine is left to itself, and does not keep the process alive."""
    monkeypatch.setattr(image_work, "_END_S", 0.2)
    for_ever = threading.Event()
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(lambda _one: for_ever.wait(60), [1, 2])
    assert time.monotonic() - began < PROMPTLY_S
    left = [thread for thread in threading.enumerate() if thread.name.startswith("envparity-image")]
    assert left
    assert all(thread.daemon for thread in left)
    for_ever.set()


def test_an_interrupt_ends_the_programs_that_were_started(alarm: None, tmp_path: Path) -> None:
    """The program, and what it has started itself: no child process outlives the work."""
    pids = tmp_path / "pids"
    script = f"import os, subprocess, time; open({str(pids)!r}, 'w').write(f'{{os.getpid()}} '); time.sleep(60)"
    began = time.monotonic()

    def arm_when_it_runs() -> None:
        while not pids.is_file() or not pids.read_text():
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGALRM)

    watcher = threading.Thread(target=arm_when_it_runs)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(lambda _one: run_program("chat", "a program", [sys.executable, "-c", script], 60), [1])
    watcher.join()
    assert time.monotonic() - began < PROMPTLY_S * 2
    with pytest.raises(ProcessLookupError):
        os.kill(int(pids.read_text()), 0)


def test_what_was_called_off_starts_nothing_more(alarm: None) -> None:
    """Neither the next argument, nor the next thing that a thread would start."""
    begun: list[int] = []
    seen: list[type[BaseException]] = []
    called_off, over = threading.Event(), threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        with ending_when_called_off(called_off.set):
            assert called_off.wait(PROMPTLY_S)
        for forbidden in (not_called_off, lambda: ending_when_called_off(called_off.set).__enter__()):
            try:
                forbidden()
            except CalledOff as error:
                seen.append(type(error))
        over.set()

    signal.setitimer(signal.ITIMER_REAL, 0.1)
    with pytest.raises(KeyboardInterrupt):
        side_by_side(work, list(range(100)))
    assert over.wait(PROMPTLY_S)
    assert len(begun) <= (os.cpu_count() or 1)
    assert set(seen) == {CalledOff}


def test_outside_of_such_work_nothing_is_called_off() -> None:
    """The main thread builds as ever."""
    not_called_off()
    with ending_when_called_off(lambda: pytest.fail("nobody called it off")):
        pass


@pytest.mark.parametrize("where", ["unix:///nowhere/docker.sock", "tcp://127.0.0.1:9"])
def test_an_engine_that_does_not_answer_leaves_no_socket_open(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ResourceWarning is an error here."""
    monkeypatch.setenv("DOCKER_HOST", where)
    with pytest.raises(EngineUnavailable, match=f"no container engine answers at {where}"):
        Engine()


def test_what_a_program_says_without_end_takes_bounded_memory() -> None:
    """Of 200 MiB the end is in the message, of a long line the beginning."""
    script = "import os\nfor _ in range(200): os.write(1, b'a' * (1 << 20))\nprint('\\nlast')\nraise SystemExit(3)"
    tracemalloc.start()
    with pytest.raises(ImageError) as failed:
        run_program("chat", "a program", [sys.executable, "-c", script], 60)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20
    assert failed.value.log_tail.splitlines()[-1] == "last"
    assert len(failed.value.log_tail) < 4096


def test_a_program_that_lets_go_of_its_output_has_the_same_deadline() -> None:
    script = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run_program("chat", "a program", [sys.executable, "-c", script], 0.5)
    assert time.monotonic() - began < PROMPTLY_S


def test_a_program_whose_child_holds_its_output_has_the_same_deadline() -> None:
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        run_program("chat", "a program", ["/bin/sh", "-c", "sleep 60 &"], 0.5)
    assert time.monotonic() - began < PROMPTLY_S
