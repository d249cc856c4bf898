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

__all__ = ["of_environments", "under_orders", "under_roots", "without_expected"]

_CRASH = "startup and conversations cut off"
_DROPPED_BY_PEER = {1001, 1006, 1011, 1012, 1013, 1014}


def without_expected(view: RunView, alone: Iterable[Finding], compared: Sequence[Finding]) -> list[Finding]:
    """The findings of single boots, without those that say how a refused order, or a late dependency, must end.

    Where the order was not refused, one of the `compared` says so; then they are what that explains, and stay. So they
    do where a scenario asked for that boot, expects it to end well, and what failed was not out of reach.
    """
    boots = view.order_boot_of
    wrong = {case for finding in compared if conduct(finding).denies_expected for case in finding.cases}
    wrong |= {case for case, boot in boots.items() if _fails_its_scenario(view, boot)}
    return [
        finding
        for finding in alone
        if finding.cases[0] in wrong or not _as_it_must_be(boots.get(finding.cases[0]), finding)
    ]


def under_roots(view: RunView, alone: Iterable[Finding]) -> list[Finding]:
    """Findings of single boots (one case each), those that follow from a root of their boot counted under it."""
    scripts: dict[str, list[Transcript]] = {}
    for observation in view.observations:
        scripts.setdefault(observation.case.id, []).extend(observation.transcripts)
    boots: dict[str, list[Finding]] = {}
    for finding in alone:
        boots.setdefault(finding.cases[0], []).append(finding)
    return [
        finding
        for case, mine in boots.items()
        for finding in _folded(view.project.backend, scripts[case], mine, gone=case in view.gone)
    ]


def _folded(backend: Backend, scripts: Iterable[Transcript], mine: list[Finding], *, gone: bool) -> list[Finding]:
    """The findings of one boot; `gone` says that no replica of it is there any more."""
    for cause in [finding for finding in mine if conduct(finding).explains == "its scenario"]:
        mine = _absorbed(mine, cause, [f for f in mine if conduct(f).departure and f.scenario == cause.scenario])
    roots = [finding for finding in mine if conduct(finding).root_rank]
    if not roots:
        return mine
    root = min(roots, key=lambda each_root: conduct(each_root).root_rank)
    crash = gone and conduct(root).explains == _CRASH
    explained = {script.scenario for script in scripts if _explains_script(root, backend, script)}
    follows = [
        finding
        for finding in mine
        if (conduct(finding).follows and finding.scenario in explained)
        or (crash and conduct(finding).family == "startup" and finding.code != root.code)
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


def under_orders(view: RunView, alone: Iterable[Finding], compared: Iterable[Finding]) -> list[Finding]:
    """Findings of single boots and those about orders: what an order explains counted under it, or dropped.

    What a boot shows that its baseline shows too is not the order's doing.
    """
    found = list(alone)
    ours = [finding for finding in compared if conduct(finding).family == "orders"]
    shown = {(finding.cases[0], finding.code, finding.where, finding.got) for finding in found}
    absorbed: dict[int, list[Finding]] = {}
    rest: list[Finding] = []
    for finding in found:
        boot = view.order_boot_of.get(finding.cases[0])
        roots = [root for root in ours if _order_explains(root, finding)]
        if boot is not None and _baselines(boot, finding, shown):
            continue
        if roots:
            absorbed.setdefault(id(_nearest(roots, finding)), []).append(finding)
        else:
            rest.append(finding)
    return [*rest, *(_grown(finding, absorbed.get(id(finding), [])) for finding in ours)]


def of_environments(view: RunView, compared: Iterable[Finding]) -> list[Finding]:
    """Differences between environments; those of order boots only where no other boot shows them.

    That startup passes here and fails there is no finding of its own where the process ended: that is one already.
    """
    boots = view.order_boot_of
    usual = [finding for finding in compared if conduct(finding).family != "orders"]
    kinds = [{boots[case].kind for case in finding.cases if case in boots} for finding in usual]
    kept = [value for value, kind in zip(usual, kinds, strict=True) if not kind]
    for wanted in ("canonical", "order"):
        known = {_key(finding) for finding in kept}
        kept += [
            each_value
            for each_value, kind in zip(usual, kinds, strict=True)
            if kind == {wanted} and _key(each_value) not in known
        ]
    return [finding for finding in kept if not (conduct(finding).of_verdicts and _failing(view, finding) <= view.gone)]


def _failing(view: RunView, finding: Finding) -> set[str]:
    """The ids of the cases, of those that show it, that are of the environments that it is about."""
    seen = [each.case for each in view.observations if each.case.id in finding.cases]
    return {case.id for case in seen if case.environment in finding.environments}


def _key(finding: Finding) -> tuple[object, ...]:
    where = None if conduct(finding).of_verdicts else finding.where  # where a verdict differs, the boot is named
    return (finding.code, where, finding.got, finding.environments)


def _order_explains(root: Finding, finding: Finding) -> bool:
    """Whether that finding of a single boot follows from one about orders which that boot shows."""
    if finding.cases[0] not in root.cases:
        return False
    family = conduct(finding).family
    match conduct(root).explains:
        case "startup":
            return family == "startup"
        case "its conversations":
            return family == "conversation" and finding.scenario in root.scenarios
        case _:
            return family in {"startup", "conversation"}


def _nearest(roots: Sequence[Finding], finding: Finding) -> Finding:
    """Of several that explain it: the one about the same scenario, else the first."""
    return next(
        (root for root in roots if finding.scenario is not None and finding.scenario in root.scenarios), roots[0]
    )


def _baselines(boot: OrderBoot, finding: Finding, shown: Collection[tuple[str, str, str, str]]) -> bool:
    """Whether the boot that this one is compared with shows the same, so that it is said already."""
    return boot.baseline is not None and (boot.baseline.case.id, finding.code, finding.where, finding.got) in shown


def _fails_its_scenario(view: RunView, boot: OrderBoot) -> bool:
    """Whether dependencies came late because a scenario says so, which left its script, and something else failed."""
    asked = {scenario.name for scenario in view.project.backend.scenarios if scenario.part == "usual"}
    left = any(
        transcript.departure is not None and transcript.scenario in asked for transcript in boot.observation.transcripts
    )
    late = boot.observation.case.boot.unreachable_at_start
    failed = any(failure.component not in late for failure in failures_of(boot.observation))
    return boot.kind == "timeline" and left and failed


def _as_it_must_be(boot: OrderBoot | None, finding: Finding) -> bool:
    """Whether that is how an order that may not be accepted, or a dependency that is late, must end."""
    if boot is None:
        return False
    treated = conduct(finding)
    if boot.kind == "forbidden":
        return treated.family == "startup" or treated.departure
    return fails_by_name(boot.observation) and (treated.fails_startup or treated.departure)


def _absorbed(found: list[Finding], root: Finding, follows: Sequence[Finding]) -> list[Finding]:
    """The findings without those that follow; the root counts them and has their scenarios."""
    if not follows:
        return found
    dropped = {id(follow) for follow in follows}
    grown = _grown(root, follows)
    return [grown if finding is root else finding for finding in found if id(finding) not in dropped]


def _grown(root: Finding, follows: Sequence[Finding]) -> Finding:
    """The finding with what it explains, the scenarios of those, and of a crash why startup failed."""
    named = [Follow(follow.code, follow.component or follow.scenario or follow.where) for follow in follows]
    scenarios = dict.fromkeys((*root.scenarios, *(name for follow in follows for name in follow.scenarios)))
    crash = conduct(root).explains == _CRASH
    why = [each for follow in follows if crash for each in follow.evidence if isinstance(each, StartupFailed)]
    return msgspec.structs.replace(
        root,
        scenarios=tuple(scenarios),
        follows=tuple(dict.fromkeys((*root.follows, *named))),
        evidence=(*(each for each in dict.fromkeys(why) if each not in root.evidence), *root.evidence),
    )
