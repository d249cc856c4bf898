"""What follows from an order is said once, by the rule about orders; what does not depend on it is said without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from envparity.judge.dependency_checks import fails_by_name
from envparity.judge.finding import Finding
from envparity.judge.order_boots import OrderBoot, order_boots
from envparity.observe.record import Observation

__all__ = ["ORDER_CODES", "settle", "without_expected"]

ORDER_CODES = frozenset(f"EP21{number}" for number in range(1, 7))
_CONVERSATION = "EP3"
_DEPARTED = {"EP301", "EP302", "EP303", "EP306"}
_FAILED = {"EP101", "EP106"}  # what a startup that may fail by name must not be reported for
_STARTUP = "EP1"
_NAMED = 6  # findings that a line of evidence names


def without_expected(
    observations: Sequence[Observation], contract: Iterable[Finding], parity: Sequence[Finding]
) -> list[Finding]:
    """The findings of single boots, without those that say how a refused order, or a late dependency, must end.

    Where the order was not refused, `parity` says so; then they are what that explains, and stay.
    """
    boots = {boot.observation.case.id: boot for boot in order_boots(observations)}
    wrong = {case for one in parity if one.code == "EP214" for case in one.cases}
    return [one for one in contract if one.cases[0] in wrong or not _as_it_must_be(boots.get(one.cases[0]), one)]


def settle(
    observations: Sequence[Observation], contract: Iterable[Finding], parity: Iterable[Finding]
) -> list[Finding]:
    """All findings, those of order boots folded into the findings about orders, or dropped as another boot's.

    `contract` are findings of one case each. What a boot shows that its baseline shows too is not the order's doing.
    """
    boots = {boot.observation.case.id: boot for boot in order_boots(observations)}
    found, compared = list(contract), list(parity)
    ours = [one for one in compared if one.code in ORDER_CODES]
    shown = {(one.cases[0], one.code, one.where, one.got) for one in found}
    absorbed: dict[int, list[Finding]] = {}
    rest: list[Finding] = []
    for one in found:
        boot = boots.get(one.cases[0])
        roots = [root for root in ours if _explains(root, one)]
        if boot is not None and _baselines(boot, one, shown):
            continue
        if roots:
            absorbed.setdefault(id(_nearest(roots, one)), []).append(one)
        else:
            rest.append(one)
    grown = [_grown(one, absorbed.get(id(one), [])) for one in ours]
    usual = [one for one in compared if one.code not in ORDER_CODES]
    return [*rest, *grown, *_of_environments(usual, boots)]


def _explains(root: Finding, one: Finding) -> bool:
    """Whether that finding of a single boot follows from one about orders which that boot shows."""
    if one.cases[0] not in root.cases:
        return False
    match root.code:
        case "EP211":
            return one.code.startswith(_STARTUP)
        case "EP213" | "EP216":
            return one.code.startswith(_CONVERSATION) and one.scenario in root.scenarios
        case _:
            return one.code.startswith((_STARTUP, _CONVERSATION))


def _nearest(roots: Sequence[Finding], one: Finding) -> Finding:
    """Of several that explain it: the one about the same scenario, else the first."""
    return next((root for root in roots if one.scenario is not None and one.scenario in root.scenarios), roots[0])


def _baselines(boot: OrderBoot, one: Finding, shown: set[tuple[str, str, str, str]]) -> bool:
    """Whether the boot that this one is compared with shows the same, so that it is said already."""
    return boot.baseline is not None and (boot.baseline.case.id, one.code, one.where, one.got) in shown


def _as_it_must_be(boot: OrderBoot | None, one: Finding) -> bool:
    """Whether that is how an order that may not be accepted, or a dependency that is late, must end."""
    if boot is None:
        return False
    if boot.kind == "forbidden":
        return one.code.startswith(_STARTUP) or one.code in _DEPARTED
    return fails_by_name(boot.observation) and one.code in _FAILED | _DEPARTED


def _grown(root: Finding, follows: Sequence[Finding]) -> Finding:
    """The finding, with what it explains counted and named in its evidence, and with the scenarios of those."""
    if not follows:
        return root
    names = list(dict.fromkeys(f"{one.code} {one.component or one.scenario or one.where}" for one in follows))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    told = f"explains {len(names)} finding{'s' if len(names) > 1 else ''} more: {', '.join(names[:_NAMED])}{more}"
    scenarios = dict.fromkeys((*root.scenarios, *(name for one in follows for name in one.scenarios)))
    return msgspec.structs.replace(root, scenarios=tuple(scenarios), evidence=(*root.evidence, told))


def _of_environments(compared: Sequence[Finding], boots: Mapping[str, OrderBoot]) -> list[Finding]:
    """Differences between environments; those of order boots only where no other boot shows them."""

    def key(one: Finding) -> tuple[object, ...]:
        where = None if one.code == "EP202" else one.where  # where a verdict differs, the boot is named
        return (one.code, where, one.got, one.environments)

    kinds = [{boots[case].kind for case in one.cases if case in boots} for one in compared]
    kept = [one for one, kind in zip(compared, kinds, strict=True) if not kind]
    for wanted in ("canonical", "order"):
        known = {key(one) for one in kept}
        kept += [one for one, kind in zip(compared, kinds, strict=True) if kind == {wanted} and key(one) not in known]
    return kept
