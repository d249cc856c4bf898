"""Regular expressions that files name and that hostile text is held against: each has a bounded time."""

from __future__ import annotations

import copy
import re
import time
from collections.abc import Mapping
from typing import Any, AnyStr, Final, Generic

import regex

__all__ = ["LONGEST_S", "Pattern", "pattern_problem"]

LONGEST_S: Final = 1.0
"""Seconds of the processor that all searches for one `Pattern` may take."""


class Pattern(Generic[AnyStr]):
    """A regular expression of Python's kind that is searched for as long as it has time, `LONGEST_S` in all.

    Raises `ValueError` for a text that is none. `spent` says that its time is over: from then on it is found nowhere.
    """

    def __init__(self, pattern: AnyStr, within_s: float = LONGEST_S) -> None:
        problem = pattern_problem(pattern)
        if problem:
            raise ValueError(f"a regular expression ({problem})")
        self._compiled: Any = regex.compile(pattern)
        self._within_s = self._left_s = within_s
        self.spent = False

    @property
    def groupindex(self) -> Mapping[str, int]:
        """Its named groups, by name."""
        named: Mapping[str, int] = self._compiled.groupindex
        return named

    def anew(self) -> Pattern[AnyStr]:
        """The same with all of its time, for another text."""
        fresh = copy.copy(self)
        fresh._left_s, fresh.spent = self._within_s, False  # noqa: SLF001  one of our own
        return fresh

    def search(self, text: AnyStr) -> re.Match[AnyStr] | None:
        """The first place where it is found; None where it is not, or its time is over before that is known."""
        if self.spent:
            return None
        began = time.thread_time()
        try:
            found: re.Match[AnyStr] | None = self._compiled.search(text, timeout=max(self._left_s, 0.001))
        except TimeoutError:
            found, self.spent = None, True
        self._left_s -= time.thread_time() - began
        return found


def pattern_problem(pattern: AnyStr) -> str:
    """Why that is no regular expression, or none that is searched for in bounded time; "" where it is one."""
    try:
        re.compile(pattern)
        regex.compile(pattern)
    except (re.error, regex.error, OverflowError, RecursionError, MemoryError, ValueError) as error:
        return str(error) or type(error).__name__
    return ""
