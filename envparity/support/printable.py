"""Text from outside as it may be shown: on a terminal, on stderr, in the log of a CI job."""

from __future__ import annotations

import re

__all__ = ["printable"]

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])"
)  # ECMA-48 §5.4, and OSC
_SPELLED_OUT = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u2028\u2029"
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"  # what changes the direction, or is not seen
    "\ud800-\udfff]"
)
_COMMAND = re.compile(r"(?<!\S)::(?=[A-Za-z][^\n]*::)|##(?=\[)")
"""What GitHub's runner takes for a command: `::error::…` at the beginning of a line, `##[error]` anywhere in it."""


def printable(text: str) -> str:
    """The text without terminal escape sequences, and with every other control character spelled out.

    A log line is written by the backend under test: it must not move the cursor of the one who reads it, nor turn the
    direction of what stands around it, nor be a command to the runner of a CI job.
    """
    without = _ESCAPE_SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\t", "    "))
    return _COMMAND.sub(lambda found: _spelled(found[0][0]) + found[0][1:], _SPELLED_OUT.sub(_replaced, without))


def _replaced(found: re.Match[str]) -> str:
    return _spelled(found[0])


def _spelled(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
