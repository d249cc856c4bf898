"""Causes and evidence in words: the one place that makes sentences of them, for every writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.cause import (
    Cause,
    Chance,
    CommitCause,
    Everywhere,
    NotFound,
    OrderCause,
    Otherwise,
    PlayCount,
    ReleaseCause,
    Search,
    StepPair,
    TraitsCause,
)
from envparity.judge.finding import Finding, Follow
from envparity.report.evidence_wording import NAMED, listed, words_of

__all__ = [
    "cause_text",
    "evidence_lines",
    "order_text",
    "search_lines",
]

_CHANGES = {
    "": "",
    "upgrade": "the upgrade: this release on the data that the previous one left",
    "rolling": "the rolling deployment: replicas of the previous release and of this one on the same data",
    "rollback": "the way back: the previous release on the data that this one left",
}


def cause_text(cause: Cause | None) -> str:  # noqa: PLR0911  one for each kind of cause
    """`STARTUP_VALIDATION=strict alone`, `fails whenever auth starts before tools`; empty where none was found."""
    match cause:
        case TraitsCause(alternatives=alternatives):
            return _alternatives(alternatives)
        case OrderCause():
            return order_text(cause)
        case CommitCause(commits=commits):
            return f"{'one of the commits' if len(commits) > 1 else 'commit'} {', '.join(commits)}"
        case ReleaseCause(changes=changes):
            return "; and ".join(_CHANGES[change] for change in changes)
        case Everywhere():
            return "every environment: no single difference"
        case Chance():
            return _rates_text(cause)
        case _:
            return ""


def _rates_text(cause: Chance) -> str:
    """`shows in 5 of 8 boots of cloud, and in 0 of 8 of laptop; what changes the rate: WEB_CONCURRENCY=4`.

    Where boots had several plays: `shows in 7 of 10 plays, in 5 of 5 boots of cloud, and …`.
    """
    if not cause.of:
        return "chance: it does not show in every boot; how often could not be counted"
    rate = f"shows in {_plays(cause.plays)}{cause.shown} of {cause.of} {cause.noun} of {cause.failing}"
    if cause.passing:
        elsewhere = _plays(cause.plays_elsewhere)
        boots = f"{cause.noun} " if elsewhere else ""
        rate += f", and in {elsewhere}{cause.elsewhere} of {cause.of_elsewhere} {boots}of {cause.passing}"
    if cause.again:
        rate += "; and in one boot more"
    if cause.changed_by:
        return f"{rate}; what changes the rate: {', '.join(cause.changed_by)}"
    return f"chance: {rate}"


def _plays(count: PlayCount | None) -> str:
    """`7 of 10 plays, in `; nothing where they are not known."""
    return "" if count is None else f"{count.shown} of {count.of} plays, in "


def order_text(cause: OrderCause) -> str:
    """`fails whenever auth starts before tools`."""
    if not cause.decisive:
        return "fails in the canonical order"
    shown = " and ".join(f"{pair.first} starts before {pair.then}" for pair in cause.decisive)
    return f"fails whenever {shown}" if cause.minimal else f"fails where {shown}, among others perhaps"


def evidence_lines(finding: Finding) -> tuple[str, ...]:
    """Everything that shows a finding, line by line, and last how its cause was searched for."""
    return tuple(_finding_lines(finding))


def search_lines(cause: Cause | None) -> Iterator[str]:
    """How the cause was searched for, or why none was found."""
    match cause:
        case ReleaseCause(before=before, alone=alone):
            old = "keeps to it" if before else "does not keep to it either"
            new = "keeps to it" if alone else "does not keep to it either, or was not asked"
            yield f"before the change the previous release {old}; this release by itself {new}"
        case TraitsCause(search=search) if search is not None:
            single = len(cause.alternatives) == 1
            how, which = ("it fails", "removed") if single else ("each fails", "all of them removed")
            times = {1: "once", 2: "twice"}.get(cause.shown, f"{cause.shown} times")
            between = f"{_between(search)}: added to {search.passing} {how}, {times}"
            yield f"{between}; {which} from {search.failing} it passes ({_cost(search)})"
            if cause.places:
                yield f"stands at {listed([str(place) for place in cause.places])}"
            for field in cause.fields:
                yield f"at {listed(field.paths)} another cause makes that: {_alternatives(field.alternatives)}"
                if field.places:
                    yield f"which stands at {listed([str(place) for place in field.places])}"
            if cause.others:
                yield f"with that alone, no difference at {listed(cause.others)}: another cause makes that"
            yield from _aside(search)
        case OrderCause(pairs=pairs, boots=boots) if pairs:
            ways = listed([_pair(pair) for pair in pairs])
            yield f"shrunk in {_boots(boots)} to the canonical order, but with {ways}"
        case NotFound():
            yield _not_found(cause)
            yield from map(_otherwise, cause.otherwise)
            if cause.search is not None:
                yield from _aside(cause.search)
        case _:
            return


def _finding_lines(finding: Finding) -> Iterator[str]:
    if finding.instead_of is not None:
        yield f"would have been {finding.instead_of.code}, {finding.instead_of.about}"
    yield from words_of(finding.evidence)
    for place in finding.places:
        yield f"also at {place.where}: {place.got}"
    if finding.follows:
        yield _follows(finding.follows)
    yield from search_lines(finding.cause)


def _follows(follows: Sequence[Follow]) -> str:
    names = [f"{follow.code} {follow.about}" for follow in follows]
    return f"explains {len(names)} finding{'s' if len(names) > 1 else ''} more: {listed(names, NAMED)}"


def _alternatives(alternatives: Iterable[Sequence[str]]) -> str:
    return ", or ".join(map(_alternative, alternatives))


def _alternative(traits: Sequence[str]) -> str:
    return f"{traits[0]} alone" if len(traits) == 1 else " and ".join(traits)


def _not_found(cause: NotFound) -> str:  # noqa: PLR0911  a sentence for each reason
    search = cause.search
    cost = f" ({_cost(search)})" if search is not None else ""
    passing, failing = (search.passing, search.failing) if search is not None else ("", "")
    match cause.why:
        case "attached":
            there = f"{', '.join(cause.environments)} is attached, and nothing is booted there"
            return f"no cause was looked for: {there}"
        case "orders out of time":
            spent = f"{_boots(cause.boots)} in the {cause.seconds:g} s that all orders may take together"
            return f"the order was not shrunk: {spent} did not suffice"
        case "out of time":
            return f"no cause was looked for: {cause.seconds:g} s had passed"
        case "only beside others":
            played = ", ".join(cause.scenarios) or "no conversation"
            beside = f"with all that was played beside it, it showed in {cause.boots} of {cause.boots} boots"
            return f"no cause was isolated: in {failing}, with {played} alone, it did not show; {beside}"
        case "passing shows it":
            return f"no cause was isolated: booted once more, {passing} itself shows it{cost}"
        case "not always":
            unsure = "; ".join(" and ".join(pair) for pair in cause.among)
            return f"no cause was isolated: booted twice with {unsure}, it showed only once{cost}"
        case "cannot say":
            known = ", or ".join(_alternative(pair) for pair in cause.among)
            unsure = "whether it passes without that, no boot could say"
            return f"no cause is certain: with {known} it shows; {unsure}{cost}"
        case "not taken apart":
            known = ", or ".join(_alternative(pair) for pair in cause.among)
            unsure = "whether each part of that is needed, no boot could say"
            return f"no cause is certain: with {known} it shows, and without it passes; {unsure}{cost}"
        case "nothing passes":
            return "no cause was looked for: in no other environment it was seen to pass"
        case "not all of it":
            known = ", or ".join(_alternative(pair) for pair in cause.among)
            return f"no cause explains all of it: {known}, and without that {failing} still shows it{cost}"
        case "out of boots":
            among = [trait for pair in cause.among for trait in pair]
            spent = _cost(search) if search is not None else _boots(cause.boots)
            return f"no cause was isolated within {spent}: it is among {listed(among)}"


def _otherwise(part: Otherwise) -> str:
    how = f"it fails otherwise: {part.code} {part.where}" if part.code else "nothing could be said"
    return f"with {_alternative(part.traits)} {how}"


def _between(search: Search) -> str:
    many = f"{search.traits} trait{'s' if search.traits != 1 else ''}"
    return f"{search.passing} and {search.failing} differ in {many}"


def _cost(search: Search) -> str:
    text = f"{_boots(search.boots)} to find it, {search.verifying} to verify"
    if search.warm:
        text += f", {search.warm} of them warm"
    if search.shared:
        text += f", {search.shared} {'' if search.warm else 'of them '}shared with other findings"
    if search.needless:
        text += f"; {_boots(search.needless)} more begun ahead and not needed"
    return text


def _aside(search: Search) -> Iterator[str]:
    if search.heals:
        yield "more differences healed it in some of these boots"
    if search.not_stood_up:
        yield f"{search.not_stood_up} of the hybrids could not be stood up, and say nothing"
    if search.no_answer:
        yield f"{search.no_answer} of the hybrids failed in another way, and say nothing"


def _boots(number: int) -> str:
    return f"{number} boot{'s' if number != 1 else ''}"


def _pair(pair: StepPair) -> str:
    return f"{pair.first} before {pair.then}"
