"""What a scenario may be called, and what its boot may ask for."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from envparity.model.case import Boot
from envparity.model.step import Connect, Http, Step, placeholders
from envparity.model.step.bounds import NAME, Problem

__all__ = ["address_problems", "head_problems"]

_LONGEST_NAME: Final = 100
_MOST_HASTENED: Final = 86_400
_SLOWEST_S: Final = 60.0
_MOST_ADDRESSES: Final = 16


def head_problems(head: Mapping[str, object]) -> Iterator[Problem]:
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
    if head.get("second", "differs") != "differs":
        yield from _second_problems(head)
    boot = head.get("boot")
    if isinstance(boot, Boot):
        yield from _boot_problems(boot)


def address_problems(head: Mapping[str, object], steps: Sequence[Step | None]) -> Iterator[Problem]:
    """What is wrong with the addresses that clients of a scenario come from. `steps`: None where one is not read."""
    names: set[str] = set()
    for index, step in enumerate(steps):
        if not isinstance(step, Connect | Http) or step.source is None:
            continue
        names.add(step.source)
        if head.get("part", "usual") != "usual":
            expected, got = "clients of one address where orders are played", f"an address in part {head['part']!r}"
            yield f"steps[{index}].from", expected, got, "remove it, or play it on its usual boot"
        if isinstance(step, Connect) and step.other_worker_than:
            got = "an address beside other_worker_than"
            yield f"steps[{index}].from", "one of both", got, "which worker answers is chosen by connecting again"
    for index, step in enumerate(steps):
        said = placeholders(step) if step is not None else ()
        for _, argument in (item for item in said if item[0] == "address" and item[1] and item[1] not in names):
            expected = f"an address of this scenario ({', '.join(sorted(names)) or 'no from says one'})"
            yield f"steps[{index}]", expected, f"{{address:{argument}}}", "say it in from of the client that is meant"
    if len(names) > _MOST_ADDRESSES:
        expected = f"at most {_MOST_ADDRESSES} addresses"
        yield "steps", expected, f"{len(names)} names in from", "in containers each is a container of its own"


def _second_problems(head: Mapping[str, object]) -> Iterator[Problem]:
    """Where no user comes back, nothing can be said of that."""
    boot = head.get("boot")
    if head.get("part", "usual") != "usual":
        got = f"part {head['part']!r}, where nobody does"
    elif isinstance(boot, Boot) and boot.hasten != 1:
        got = "a boot with hasten, where nobody does"
    else:
        return
    yield "second", "a scenario of which users come back", got, "remove it"


def _boot_problems(boot: Boot) -> Iterator[Problem]:
    if boot.hasten > _MOST_HASTENED:
        yield "boot.hasten", f"at most {_MOST_HASTENED}", f"{boot.hasten}", "idle times are in seconds"
    for name, by_s in boot.slow:
        if not 0 < by_s <= _SLOWEST_S:
            yield f"boot.slow.{name}", f"seconds, more than 0 and at most {_SLOWEST_S:g}", f"{by_s:g}", "wait less"
    for name, value in boot.settings:
        key = f"boot.settings.{name}"
        if not NAME.fullmatch(name):
            yield key, "a name of letters, digits and underscores", _shown(name), "no process could have it"
        if "\0" in value:
            yield key, "text that a process environment can hold", "a zero byte", "leave it out"


def _shown(text: str) -> str:
    return textwrap.shorten(repr(text), 60, placeholder=" …")
