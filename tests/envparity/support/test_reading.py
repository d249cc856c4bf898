"""What somebody named is read in pieces, within a time and a size, and a signal is heard meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from envparity.errors import Interrupted
from envparity.support.reading import Reading, opened
from envparity.support.signals import ending_on_signals

MOST = 1 << 22


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def told(reading: int, within_s: float = 60.0) -> Reading:
    return Reading(reading, "pipe", within_s)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\r\n\nb", [b"a", b"", b"b"]),
        (b"x" * (3 << 20) + b"\ny\n", [b"x" * (3 << 20), b"y"]),
    ],
)
def test_all_of_a_file_is_read_as_it_is(tmp_path: Path, content: bytes, lines: list[bytes]) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with opened(file) as reading:
        assert reading.whole(MOST) == content
    with opened(file) as reading:
        assert list(reading.lines(MOST)) == lines


@pytest.mark.parametrize("size", [MOST, MOST + 1])
def test_no_more_than_that_is_read(tmp_path: Path, size: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * size)
    with opened(file) as reading:
        if size <= MOST:
            assert len(reading.whole(MOST)) == size
        else:
            with pytest.raises(OSError, match="more than 4 MiB"):
                reading.whole(MOST)


@pytest.mark.parametrize("place", ["/dev/zero", "/proc/self"])
def test_what_never_ends_or_is_a_folder_is_an_error(place: str) -> None:
    with opened(Path(place)) as reading, pytest.raises(OSError, match=r"more than|directory"):
        list(reading.lines(MOST))


def test_a_pipe_waits_for_who_writes_and_ends_with_them(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    def write() -> None:
        (tmp_path / "pipe").write_bytes(b"one\ntwo")

    with opened(tmp_path / "pipe") as reading:
        threading.Timer(0.3, write).start()
        assert list(reading.lines(MOST)) == [b"one", b"two"]


@pytest.mark.parametrize("drips", [False, True], ids=["silent", "dripping"])
def test_what_never_comes_to_its_end_is_given_up(pipe: tuple[int, int], drips: bool) -> None:
    ended = threading.Event()

    def drip() -> None:
        while drips and not ended.wait(0.05):
            os.write(pipe[1], b"x")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        with pytest.raises(TimeoutError, match="within 1 s"):
            told(pipe[0], within_s=1.0).whole(MOST)
    finally:
        ended.set()
        thread.join()


def test_a_signal_between_two_reads_is_heard(pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel has it where it comes when a read has ended and the next has not begun: no read is interrupted."""
    read = os.read

    def read_and_be_told(descriptor: int, size: int) -> bytes:
        piece = read(descriptor, size)
        if descriptor == pipe[0]:
            signal.raise_signal(signal.SIGINT)
        return piece

    monkeypatch.setattr(os, "read", read_and_be_told)
    os.write(pipe[1], b"an endless line")
    with ending_on_signals(), pytest.raises(Interrupted):
        told(pipe[0]).whole(MOST)


def test_a_signal_to_another_thread_is_heard(pipe: tuple[int, int]) -> None:
    """The kernel may give it to any thread, and then it ends nothing that another waits for."""
    elsewhere = threading.Timer(0.3, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT))
    with ending_on_signals(), pytest.raises(Interrupted):  # noqa: PT012  neither outside of the other
        elsewhere.start()
        told(pipe[0]).whole(MOST)
