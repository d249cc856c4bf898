"""Every rule of the judge, and how the findings of each are treated. Rules come in by the door `envparity.rules`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, get_args

from envparity.doors import Door, InstalledEntry, built_in_entries, unforeseen
from envparity.errors import DoorFailed
from envparity.judge.finding import Breach, Finding
from envparity.judge.rules import Conduct, ContractRule, Family, ParityRule, Rule

__all__ = ["RULES", "RULE_SETS", "breaches", "codes_of", "conduct", "every_rule", "rule"]

_CODE: Final = re.compile(r"[A-Z]{2,8}[0-9]{3,4}")


def _rules(found: object) -> tuple[Rule, ...] | None:
    rules = found if isinstance(found, tuple | list) else (found,)
    return (
        tuple(rules) if rules and all(isinstance(each_rule, ContractRule | ParityRule) for each_rule in rules) else None
    )


RULE_SETS: Final[Door[tuple[Rule, ...]]] = Door("envparity.rules", "a rule or a tuple of rules", _rules)
RULES: Final[tuple[Rule, ...]] = tuple(
    known for entry in built_in_entries(RULE_SETS.group).values() for known in RULE_SETS.load(entry)
)
"""The rules of envparity itself; `every_rule` has those of other distributions, too."""
_UNKNOWN = Conduct("audit")


def every_rule() -> tuple[Rule, ...]:
    """Every rule that observations are held against. Raises `DoorFailed`."""
    return tuple(known for known, _ in _by_code().values())


def rule(code: str) -> Rule:
    """The rule of that code. Raises `KeyError` with the codes that there are."""
    if code not in _by_code():
        raise KeyError(f"{code} is no rule; there are {', '.join(_by_code())}")
    return _by_code()[code][0]


def breaches(known: Rule, check: Callable[[], Iterable[Breach]]) -> list[Breach]:
    """What a rule's check gives. Raises `DoorFailed` where that of another distribution fails."""
    entry = _by_code()[known.code][1]
    with unforeseen(entry):
        found: list[object] = list(check())
    given = [value for value in found if isinstance(value, Breach)]
    if len(given) < len(found):
        raise DoorFailed(str(entry), f"the check of {known.code} gave something else than breaches")
    return given


def conduct(finding: Finding) -> Conduct:
    """How that finding is treated. One of a rule that there is no more, in a saved run, follows from nothing."""
    known = _by_code().get(finding.code)
    return known[0].conduct if known is not None else _UNKNOWN


def codes_of(family: Family) -> tuple[str, ...]:
    """The codes of the rules of that family, in order."""
    return tuple(each_rule.code for each_rule in every_rule() if each_rule.conduct.family == family)


@functools.cache
def _by_code() -> Mapping[str, tuple[Rule, InstalledEntry]]:
    """Every rule with where it came from, by its code."""
    found: dict[str, tuple[Rule, InstalledEntry]] = {}
    for entry in RULE_SETS.entries().values():
        for known in RULE_SETS.load(entry):
            if wrong := _mistake(known, found):
                raise DoorFailed(str(entry), wrong)
            found[known.code] = known, entry
    return found


def _mistake(known: Rule, found: Mapping[str, tuple[Rule, InstalledEntry]]) -> str:
    """What is wrong with what a rule says of itself, if anything."""
    if not _CODE.fullmatch(known.code):
        return f"{known.code!r} is no code: two to eight capital letters, then three or four digits"
    if known.code in found:
        return f"{known.code} is a rule of {found[known.code][1].origin}"
    if known.conduct.family not in get_args(Family):
        return f"{known.code} is of the family {known.conduct.family!r}, which is none of {', '.join(get_args(Family))}"
    return ""
