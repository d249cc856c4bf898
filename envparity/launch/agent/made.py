"""Reading what a boot's log tells of the objects that were made (see `agent.watching`)."""

from __future__ import annotations

import json
from collections.abc import Iterable

from envparity.launch.agent.inside.watching import MARK

__all__ = ["told_apart"]


def told_apart(log: Iterable[str]) -> tuple[list[str], tuple[str, ...]]:
    """The backend's own lines, and in words each object of a watched type: what was made, where, and called by whom."""
    lines: list[str] = []
    made: list[str] = []
    for line in log:
        if line.startswith(MARK):
            made.append(_in_words(line.removeprefix(MARK)))
            if lines and not lines[-1]:
                lines.pop()  # the empty line that went before it
        else:
            lines.append(line)
    return lines, tuple(made)


def _in_words(told: str) -> str:
    try:
        record = json.loads(told)
    except ValueError:
        return told  # cut off where the log is
    callers = " < ".join(f"{value['module']}:{value['line']}" for value in reversed(record["chain"]))
    return f"{record['type']} made in {record['function']} at {callers}"
