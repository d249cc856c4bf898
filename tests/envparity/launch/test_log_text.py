"""A log is kept whole within a bound, in whole lines, without colours."""

from __future__ import annotations

from pathlib import Path

from envparity.launch.log_text import FIRST_BYTES, LAST_BYTES, KeptLog, plain_text, read_log_file


def test_colours_are_taken_out() -> None:
    """Of every kind that a terminal is sent: colours, a title, a link."""
    assert (
        plain_text("\x1b[32mINFO\x1b[0m: up\x1b[1;38;5;9m!\x1b[m \x1b]0;title\x07\x1b]8;;u\x1b\\x\x1b(B")
        == "INFO: up! x"
    )
    coloured = "\x1b[32mINFO\x1b[0m: up\x1b[1;38;5;9m!\x1b[m \x1b]0;title\x07\x1b]8;;u\x1b\\x\x1b(B"
    assert plain_text(coloured) == "INFO: up! x"
    assert plain_text("plain [32m") == "plain [32m"


def test_a_log_within_the_bound_is_whole_whatever_the_chunks() -> None:
    """Also one that fills it to the last byte."""
    kept = KeptLog(first_bytes=4, last_bytes=6)
    for chunk in (b"a\nb", b"\nc\nd", b"\ne\n"):
        kept.feed(chunk)
    assert kept.text == "a\nb\nc\nd\ne\n"


def test_what_is_dropped_is_said_and_no_line_stands_there_by_half() -> None:
    """The number counts exactly the bytes that are not there."""
    lines = [f"line {number}\n" for number in range(1000)]
    whole = "".join(lines)
    kept = KeptLog(first_bytes=100, last_bytes=200)
    for begin in range(0, len(whole), 37):
        kept.feed(whole[begin : begin + 37].encode())
    first, note, last = kept.text.partition("[envparity: ")
    number, _, last = last.partition(" bytes of this log are left out here]\n")
    assert note
    assert whole.startswith(first)
    assert whole.endswith(last)
    assert len(first) + int(number) + len(last) == len(whole)
    assert {*first.splitlines(), *last.splitlines()} <= {line.strip() for line in lines}
    assert len(last) > 180


def test_a_file_is_read_as_if_it_had_been_fed(tmp_path: Path) -> None:
    """A start that logs a great deal keeps its first and its last line; a part between two positions is that part."""
    log = tmp_path / "log"
    middle = b"x" * 99 + b"\n"
    log.write_bytes(b"first\n" + middle * ((FIRST_BYTES + LAST_BYTES) // 100 + 10_000) + b"last\n")
    text = read_log_file(log)
    assert text.startswith("first\n")
    assert text.endswith("\nlast\n")
    assert "are left out here]" in text
    assert len(text) <= FIRST_BYTES + LAST_BYTES + 100
    assert read_log_file(log, 0, 6) == "first\n"
    assert read_log_file(log, log.stat().st_size - 5) == "last\n"
    assert read_log_file(tmp_path / "none") == ""
