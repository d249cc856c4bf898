"""What follows from a root is counted under it: within a boot, from an order, from a start that failed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from envparity.judge.canonical import frame_type
from envparity.judge.dependency_checks import fails_by_name
from envparity.judge.evidence import StartupFailed
from envparity.judge.finding import Finding, Follow
from envparity.judge.order_boots import OrderBoot
from envparity.judge.registry import conduct
from envparity.judge.startup_facts import failures_of
from envparity.judge.view import RunView
from envparity.model.backend import Backend
from envparity.observe.transcript import ConnectionClosed, FrameReceived, HandshakeAnswered, HttpAnswered, Transcript

__all__ = ["fold", "of_environments", "settle", "without_expected"]

_CRASH = "startup and conversations cut off"
_DROPPED_BY_PEER = {1001, 1006, 1011, 1012, 1013, 1014}


def without_expected(view: RunView, alone: Iterable[Finding], compared: Sequence[Finding]) -> list[Finding]:
    """The findings of single boots, without those that say how a refused order, or a late dependency, must end.

    Where the order was not refused, one of the `compared` says so; then they are what that explains, and stay. So they
    do where a scenario asked for that boot, expects it to end well, and what failed was not out of reach.
    """
    boots = view.order_boot_of
    wrong = {case for one in compared if conduct(one).denies_expected for case in one.cases}
    wrong |= {case for case, boot in boots.items() if _fails_its_scenario(view, boot)}
    return [one for one in alone if one.cases[0] in wrong or not _as_it_must_be(boots.get(one.cases[0]), one)]


def fold(view: RunView, alone: Iterable[Finding]) -> list[Finding]:
    """Findings of single boots (one case each), those that follow from a root of their boot counted under it."""
    scripts: dict[str, list[Transcript]] = {}
    for observation in view.observations:
        scripts.setdefault(observation.case.id, []).extend(observation.transcripts)
    boots: dict[str, list[Finding]] = {}
    for one in alone:
        boots.setdefault(one.cases[0], []).append(one)
    return [
        one
        for case, mine in boots.items()
        for one in _folded(view.subject.backend, scripts[case], mine, gone=case in view.gone)
    ]


def _folded(backend: Backend, scripts: Iterable[Transcript], mine: list[Finding], *, gone: bool) -> list[Finding]:
    """The findings of one boot; `gone` says that no replica of it is there any more."""
    for cause in [one for one in mine if conduct(one).explains == "its scenario"]:
        mine = _absorbed(mine, cause, [f for f in mine if conduct(f).departure and f.scenario == cause.scenario])
    roots = [one for one in mine if conduct(one).root_rank]
    if not roots:
        return mine
    root = min(roots, key=lambda one: conduct(one).root_rank)
    crash = gone and conduct(root).explains == _CRASH
    explained = {script.scenario for script in scripts if _explains_script(root, backend, script)}
    follows = [
        one
        for one in mine
        if (conduct(one).follows and one.scenario in explained)
        or (crash and conduct(one).family == "startup" and one.code != root.code)
    ]
    return _absorbed(mine, root, follows)


def _explains_script(root: Finding, backend: Backend, transcript: Transcript) -> bool:
    """A backend that starts without what it needs explains anything; one that hides why, what its clients were told."""
    match conduct(root).explains:
        case "conversations":
            return True
        case "its conversations":
            return transcript.scenario in root.scenarios
        case _:
            return _cut_off(backend, transcript)


def _cut_off(backend: Backend, transcript: Transcript) -> bool:
    """Whether it ended because the backend would not, or could no longer, converse."""
    if transcript.departure is not None and transcript.departure.kind == "timeout":
        return True
    for event in transcript.events:
        match event:
            case HandshakeAnswered(status=status) | HttpAnswered(status=status) if not status or status >= 500:
                return True
            case ConnectionClosed(code=code, by="server") if code in _DROPPED_BY_PEER:
                return True
    last = next((event for event in reversed(transcript.events) if isinstance(event, FrameReceived)), None)
    return last is not None and frame_type(backend, last.frame) == backend.error_type


def settle(view: RunView, alone: Iterable[Finding], compared: Iterable[Finding]) -> list[Finding]:
    """Findings of single boots and those about orders: what an order explains counted under it, or dropped.

    What a boot shows that its baseline shows too is not the order's doing.
    """
    found = list(alone)
    ours = [one for one in compared if conduct(one).family == "orders"]
    shown = {(one.cases[0], one.code, one.where, one.got) for one in found}
    absorbed: dict[int, list[Finding]] = {}
    rest: list[Finding] = []
    for one in found:
        boot = view.order_boot_of.get(one.cases[0])
        roots = [root for root in ours if _order_explains(root, one)]
        if boot is not None and _baselines(boot, one, shown):
            continue
        if roots:
            absorbed.setdefault(id(_nearest(roots, one)), []).append(one)
        else:
            rest.append(one)
    return [*rest, *(_grown(one, absorbed.get(id(one), [])) for one in ours)]


def of_environments(view: RunView, compared: Iterable[Finding]) -> list[Finding]:
    """Differences between environments; those of order boots only where no other boot shows them.

    That startup passes here and fails there is no finding of its own where the process ended: that is one already.
    """
    boots = view.order_boot_of
    usual = [one for one in compared if conduct(one).family != "orders"]
    kinds = [{boots[case].kind for case in one.cases if case in boots} for one in usual]
    kept = [one for one, kind in zip(usual, kinds, strict=True) if not kind]
    for wanted in ("canonical", "order"):
        known = {_key(one) for one in kept}
        kept += [one for one, kind in zip(usual, kinds, strict=True) if kind == {wanted} and _key(one) not in known]
    return [one for one in kept if not (conduct(one).of_verdicts and _failing(view, one) <= view.gone)]


def _failing(view: RunView, one: Finding) -> set[str]:
    """The ids of the cases, of those that show it, that are of the environments that it is about."""
    seen = [each.case for each in view.observations if each.case.id in one.cases]
    return {case.id for case in seen if case.environment in one.environments}


def _key(one: Finding) -> tuple[object, ...]:
    where = None if conduct(one).of_verdicts else one.where  # where a verdict differs, the boot is named
    return (one.code, where, one.got, one.environments)


def _order_explains(root: Finding, one: Finding) -> bool:
    """Whether that finding of a single boot follows from one about orders which that boot shows."""
    if one.cases[0] not in root.cases:
        return False
    family = conduct(one).family
    match conduct(root).explains:
        case "startup":
            return family == "startup"
        case "its conversations":
            return family == "conversation" and one.scenario in root.scenarios
        case _:
            return family in {"startup", "conversation"}


def _nearest(roots: Sequence[Finding], one: Finding) -> Finding:
    """Of several that explain it: the one about the same scenario, else the first."""
    return next((root for root in roots if one.scenario is not None and one.scenario in root.scenarios), roots[0])


def _baselines(boot: OrderBoot, one: Finding, shown: Collection[tuple[str, str, str, str]]) -> bool:
    """Whether the boot that this one is compared with shows the same, so that it is said already."""
    return boot.baseline is not None and (boot.baseline.case.id, one.code, one.where, one.got) in shown


def _fails_its_scenario(view: RunView, boot: OrderBoot) -> bool:
    """Whether dependencies came late because a scenario says so, which left its script, and something else failed."""
    asked = {one.name for one in view.subject.backend.scenarios if one.part == "usual"}
    left = any(one.departure is not None and one.scenario in asked for one in boot.observation.transcripts)
    late = boot.observation.case.boot.unreachable_at_start
    failed = any(one.component not in late for one in failures_of(boot.observation))
    return boot.kind == "timeline" and left and failed


def _as_it_must_be(boot: OrderBoot | None, one: Finding) -> bool:
    """Whether that is how an order that may not be accepted, or a dependency that is late, must end."""
    if boot is None:
        return False
    treated = conduct(one)
    if boot.kind == "forbidden":
        return treated.family == "startup" or treated.departure
    return fails_by_name(boot.observation) and (treated.fails_startup or treated.departure)


def _absorbed(found: list[Finding], root: Finding, follows: Sequence[Finding]) -> list[Finding]:
    """The findings without those that follow; the root counts them and has their scenarios."""
    if not follows:
        return found
    dropped = {id(one) for one in follows}
    grown = _grown(root, follows)
    return [grown if one is root else one for one in found if id(one) not in dropped]


def _grown(root: Finding, follows: Sequence[Finding]) -> Finding:
    """The finding with what it explains, the scenarios of those, and of a crash why startup failed."""
    named = [Follow(one.code, one.component or one.scenario or one.where) for one in follows]
    scenarios = dict.fromkeys((*root.scenarios, *(name for one in follows for name in one.scenarios)))
    crash = conduct(root).explains == _CRASH
    why = [each for one in follows if crash for each in one.evidence if isinstance(each, StartupFailed)]
    return msgspec.structs.replace(
        root,
        scenarios=tuple(scenarios),
        follows=tuple(dict.fromkeys((*root.follows, *named))),
        evidence=(*(each for each in dict.fromkeys(why) if each not in root.evidence), *root.evidence),
    )
