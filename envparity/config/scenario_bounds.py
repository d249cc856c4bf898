"""What a scenario may be called, and what its boot may ask for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Final

from envparity.model.case import Boot
from envparity.model.step.bounds import NAME, Problem

__all__ = ["head_problems"]

_LONGEST_NAME: Final = 100
_MOST_HASTENED: Final = 86_400


def head_problems(head: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the values of a scenario beside its steps, each of the right type, with advice."""
    name = head.get("name")
    if isinstance(name, str) and (re.search(r"[\[\]*?\s]", name) or not name.isprintable()):
        yield "name", "a name without brackets, wildcards and white space", _shown(name), "join words by underscores"
    elif isinstance(name, str) and not 0 < len(name) <= _LONGEST_NAME:
        yield "name", f"a name of 1 to {_LONGEST_NAME} characters", f"{len(name)}", "a title says more"
    for key in ("group", "title"):
        text = head.get(key)
        if isinstance(text, str) and not text.isprintable():
            yield key, "text of one line", _shown(text), "leave out what moves a cursor"
    boot = head.get("boot")
    if isinstance(boot, Boot):
        yield from _boot_problems(boot)


def _boot_problems(boot: Boot) -> Iterator[Problem]:
    if boot.hasten > _MOST_HASTENED:
        yield "boot.hasten", f"at most {_MOST_HASTENED}", f"{boot.hasten}", "idle times are in seconds"
    for name, value in boot.settings:
        key = f"boot.settings.{name}"
        if not NAME.fullmatch(name):
            yield key, "a name of letters, digits and underscores", _shown(name), "no process could have it"
        if "\0" in value:
            yield key, "text that a process environment can hold", "a zero byte", "leave it out"


def _shown(text: str) -> str:
    return textwrap.shorten(repr(text), 60, placeholder=" …")
