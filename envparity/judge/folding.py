"""One root, few findings: what follows from another finding becomes its evidence, and equal findings become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from envparity.backend import Backend
from envparity.judge.canonical import frame_type
from envparity.judge.finding import Finding
from envparity.observe.record import Observation, Transcript

__all__ = ["Rank", "fold", "merge", "say_who_kept"]

_ROOTS = ("EP903", "EP105", "EP101", "EP106", "EP104", "EP103")  # what explains a boot's departures; the first there is
_CONVERSATION = {"EP301", "EP302", "EP303", "EP304", "EP305", "EP306"}
_DEPARTED = {"EP301", "EP302", "EP303", "EP306"}
_ACROSS_SCENARIOS = _DEPARTED | {"EP402", "EP403"}
_WITHIN = ("EP305", "EP307", "EP501")  # what explains the departure of its own scenario
_DROPPED_BY_PEER = {1001, 1006, 1011, 1012, 1013, 1014}
_NAMED = 5  # scenarios that a line of evidence names
_EVIDENCE = 30

Rank = Callable[[str], tuple[int, str]]


def fold(backend: Backend, observations: Sequence[Observation], findings: Iterable[Finding]) -> list[Finding]:
    """Findings of single observations (one case each), those that follow from a root folded into it."""
    found = list(findings)
    for observation in observations:
        case = observation.case.id
        for cause in [one for code in _WITHIN for one in found if one.code == code and one.cases == (case,)]:
            departures = [one for one in found if one.code in _DEPARTED and one.cases == (case,)]
            found = _folded(found, cause, [one for one in departures if one.scenario == cause.scenario])
        mine = [one for one in found if one.cases == (case,)]
        root = next((one for code in _ROOTS for one in mine if one.code == code), None)
        if root is not None:
            explained = {one.scenario for one in observation.transcripts if _explains(root, backend, one)}
            follows = [one for one in mine if one.code in _CONVERSATION and one.scenario in explained]
            found = _folded(found, root, follows)
    return found


def merge(findings: Iterable[Finding], rank: Rank) -> list[Finding]:
    """Findings with equal identity and equal `got` become one, over environments, cases and scenarios.

    Departures are then merged over scenarios too. `rank` orders scenarios; the first is the one to replay.
    """
    same: dict[tuple[str, ...], Finding] = {}
    for one in findings:
        key = (*one.identity, one.got)
        same[key] = _joined(same[key], one, rank) if key in same else one
    alike: dict[tuple[object, ...], Finding] = {}
    for one in sorted(same.values(), key=lambda one: (one.code, rank(one.scenario or ""))):
        across = one.code in _ACROSS_SCENARIOS
        detail: tuple[object, ...] = (one.environments, one.expected) if across else (one.where,)
        key_alike = (one.code, one.got, *detail)
        alike[key_alike] = _joined(alike[key_alike], one, rank) if key_alike in alike else one
    return [_with_others(one) for one in alike.values()]


def _explains(root: Finding, backend: Backend, transcript: Transcript) -> bool:
    """A backend that starts without what it needs explains anything; one that hides why, what its clients were told."""
    match root.code:
        case "EP104":
            return True
        case "EP103":
            return transcript.scenario in root.scenarios
        case _:
            return _cut_off(backend, transcript)


def _cut_off(backend: Backend, transcript: Transcript) -> bool:
    """Whether it ended because the backend would not, or could no longer, converse."""
    if transcript.departure is not None and transcript.departure.kind == "timeout":
        return True
    for entry in transcript.entries:
        status = entry.data.get("status")
        if entry.kind == "handshake" and (not status or int(status) >= 500):
            return True
        if entry.kind == "close" and entry.data.get("by") != "client" and entry.data.get("code") in _DROPPED_BY_PEER:
            return True
    last = next((entry for entry in reversed(transcript.entries) if entry.kind == "received"), None)
    return last is not None and frame_type(backend, last.data) == backend.error_type


def _folded(found: list[Finding], root: Finding, follows: Sequence[Finding]) -> list[Finding]:
    """The findings without those that follow; the root counts them and names their scenarios."""
    if not follows:
        return found
    scenarios = tuple(dict.fromkeys((*root.scenarios, *(str(one.scenario) for one in follows))))
    codes = ", ".join(dict.fromkeys(one.code for one in follows))
    names = _names([str(one.scenario) for one in follows])
    count = f"{len(follows)} finding{'s' if len(follows) > 1 else ''}"
    told = f"explains {count} about conversations ({codes}): {names}"
    grown = msgspec.structs.replace(root, scenarios=scenarios, evidence=(*root.evidence, told))
    dropped = {id(one) for one in follows}
    return [grown if one is root else one for one in found if id(one) not in dropped]


def _joined(one: Finding, other: Finding, rank: Rank) -> Finding:
    scenarios = tuple(sorted({*one.scenarios, *other.scenarios}, key=rank))
    # Of departures the first says it all; of differences each environment has something to show.
    evidence = one.evidence if one.code[:3] in {"EP3", "EP1"} else (*one.evidence, *other.evidence)
    return msgspec.structs.replace(
        one,
        environments=_union(one.environments, other.environments),
        cases=_union(one.cases, other.cases),
        scenario=min(filter(None, (one.scenario, other.scenario)), key=rank, default=None),
        scenarios=scenarios,
        evidence=tuple(dict.fromkeys(evidence))[:_EVIDENCE],
    )


def _with_others(finding: Finding) -> Finding:
    """Say in the evidence in which other scenarios the same was seen, where the finding is of conversations."""
    others = [name for name in finding.scenarios if name != finding.scenario]
    if not others or finding.code[:3] not in {"EP3", "EP4"}:
        return finding
    count = f"{len(others)} other scenario{'s' if len(others) > 1 else ''}"
    line = f"the same in {count}: {_names(others)}"
    return msgspec.structs.replace(finding, evidence=(*finding.evidence, line))


def say_who_kept(finding: Finding, observations: Sequence[Observation]) -> Finding:
    """Of a departure, the evidence says which environments kept to the same script."""
    if finding.code not in _DEPARTED:
        return finding
    kept = [
        one.case.environment
        for one in observations
        for script in one.transcripts
        if script.scenario == finding.scenario and script.departure is None
    ]
    if not kept:
        return finding
    said = f"kept to the script in: {', '.join(dict.fromkeys(kept))}"
    return msgspec.structs.replace(finding, evidence=(*finding.evidence, said))


def _names(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - _NAMED} more" if len(unique) > _NAMED else ""
    return ", ".join(unique[:_NAMED]) + more


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
