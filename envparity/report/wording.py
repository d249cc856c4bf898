"""Causes and evidence in words: the one place that makes sentences of them, for every writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.canonical import line
from envparity.judge.cause import (
    Cause,
    Chance,
    CommitCause,
    Everywhere,
    NotFound,
    OrderCause,
    Search,
    StepPair,
    TraitsCause,
)
from envparity.judge.evidence import (
    BACKEND_LOG,
    LAUNCHER_LOG,
    ClientTold,
    Contradictions,
    Counts,
    DeclaredBecause,
    Difference,
    Evidence,
    Excerpt,
    KeptIn,
    LogQuote,
    Note,
    OrderShown,
    Parted,
    Reproduced,
    SameIn,
    SeenIn,
    SideBySide,
    StartupFailed,
    Traceback,
    Undecided,
    Unplayed,
)
from envparity.judge.finding import Finding, Follow
from envparity.judge.told import outcome_text
from envparity.report.wording_moments import moment_lines

__all__ = ["cause_text", "evidence_lines", "order_text", "search_lines", "words_of"]

_NAMED = 6  # findings or scenarios that a line names
_SHOWN = 12  # traits or pairs that a line names
_NOTHING = "nothing more"


def cause_text(cause: Cause | None) -> str:
    """`STARTUP_VALIDATION=strict alone`, `fails whenever auth starts before tools`; empty where none was found."""
    match cause:
        case TraitsCause(alternatives=alternatives):
            return ", or ".join(_alternative(one) for one in alternatives)
        case OrderCause():
            return order_text(cause)
        case CommitCause(commits=commits):
            return f"{'one of the commits' if len(commits) > 1 else 'commit'} {', '.join(commits)}"
        case Everywhere():
            return "every environment: no single difference"
        case Chance():
            return _rates_text(cause)
        case _:
            return ""


def _rates_text(cause: Chance) -> str:
    """`shows in 5 of 8 boots of cloud, and in 0 of 8 of laptop; what changes the rate: WEB_CONCURRENCY=4`."""
    if not cause.of:
        return "chance: it does not show in every boot; how often could not be counted"
    rate = f"shows in {cause.shown} of {cause.of} {cause.noun} of {cause.failing}"
    if cause.passing:
        rate += f", and in {cause.elsewhere} of {cause.of_elsewhere} of {cause.passing}"
    if cause.changed_by:
        return f"{rate}; what changes the rate: {', '.join(cause.changed_by)}"
    return f"chance: {rate}"


def order_text(cause: OrderCause) -> str:
    """`fails whenever auth starts before tools`."""
    if not cause.decisive:
        return "fails in the canonical order"
    shown = " and ".join(f"{pair.first} starts before {pair.then}" for pair in cause.decisive)
    return f"fails whenever {shown}" if cause.minimal else f"fails where {shown}, among others perhaps"


def evidence_lines(finding: Finding) -> tuple[str, ...]:
    """Everything that shows a finding, line by line, and last how its cause was searched for."""
    return tuple(_finding_lines(finding))


def words_of(evidence: Iterable[Evidence]) -> list[str]:
    """These pieces of evidence, line by line."""
    return [text for one in evidence for text in _lines(one)]


def search_lines(cause: Cause | None) -> Iterator[str]:
    """How the cause was searched for, or why none was found."""
    match cause:
        case TraitsCause(search=search) if search is not None:
            single = len(cause.alternatives) == 1
            how, which = ("it fails", "removed") if single else ("each fails", "all of them removed")
            times = {1: "once", 2: "twice"}.get(cause.shown, f"{cause.shown} times")
            between = f"{_between(search)}: added to {search.passing} {how}, {times}"
            yield f"{between}; {which} from {search.failing} it passes ({_cost(search)})"
            if cause.others:
                yield f"with that alone, no difference at {_some(cause.others)}: another cause makes that"
            yield from _aside(search)
        case OrderCause(pairs=pairs, boots=boots) if pairs:
            yield f"shrunk in {_boots(boots)} to the canonical order, but with {_some([_pair(one) for one in pairs])}"
        case NotFound():
            yield _not_found(cause)
            if cause.search is not None:
                yield from _aside(cause.search)
        case _:
            return


def _finding_lines(finding: Finding) -> Iterator[str]:
    if finding.instead_of is not None:
        yield f"would have been {finding.instead_of.code}, {finding.instead_of.about}"
    for one in finding.evidence:
        yield from _lines(one)
    for place in finding.places:
        yield f"also at {place.where}: {place.got}"
    if finding.follows:
        yield _follows(finding.follows)
    yield from search_lines(finding.cause)


def _follows(follows: Sequence[Follow]) -> str:
    names = [f"{one.code} {one.about}" for one in follows]
    return f"explains {len(names)} finding{'s' if len(names) > 1 else ''} more: {_some(names, _NAMED)}"


def _lines(evidence: Evidence) -> Iterator[str]:
    for words in (moment_lines, _quoted, _of_startup, _compared, _of_extent):
        yield from words(evidence)


def _quoted(evidence: Evidence) -> Iterator[str]:
    match evidence:
        case LogQuote(source=source, lines=lines):
            own = source in {BACKEND_LOG, LAUNCHER_LOG}
            yield from lines if own else (f"{source}: {text}" for text in lines)
            if not lines:
                yield "the log is empty"
        case Traceback(lines=lines):
            yield from (f"the log: {text}" for text in lines)
        case Excerpt(events=events, step=step, named=named):
            if step is not None:
                yield f"step {step + 1}, after:"
            yield from (f"{event.connection}: {line(event)}" if named else line(event) for event in events)
        case Note(text=text):
            yield text
        case _:
            return


def _of_startup(evidence: Evidence) -> Iterator[str]:
    match evidence:
        case ClientTold(outcome=None):
            yield "no client connected"
        case ClientTold(outcome=outcome, wrongly=wrongly, of=of) if outcome is not None:
            others = f" ({wrongly} of {of} connections were not told as promised)" if wrongly > 1 else ""
            yield f"the client was told: {outcome_text(outcome)}{others}"
        case StartupFailed():
            named = (evidence.environment, evidence.component, evidence.code, evidence.description)
            yield ": ".join(filter(None, named))
            if evidence.action:
                yield f"action: {evidence.action}"
        case Undecided(after_s=after_s, steps=steps):
            yield f"after {after_s:g} s"
            for step in steps:
                waits = f", waits for {step.waited_for}" if step.waited_for else ""
                yield f"step {step.name} {step.outcome}{waits}"
        case Contradictions(said=said, more=more):
            yield from said
            if more:
                yield f"and {more} more"
        case _:
            return


def _compared(evidence: Evidence) -> Iterator[str]:
    match evidence:
        case SideBySide(sides=sides):
            yield from (f"{name}: {_NOTHING if event is None else line(event)}" for name, event in sides)
        case Parted():
            yield from _parted(evidence)
        case Difference():
            yield f"{evidence.path}: {evidence.baseline} {evidence.expected}, {evidence.other} {evidence.got}"
        case DeclaredBecause(reason=reason, paths=paths):
            yield f"declared because: {reason}"
            yield from paths
        case _:
            return


def _of_extent(evidence: Evidence) -> Iterator[str]:
    match evidence:
        case OrderShown(order=order, timeline=timeline):
            parts = [f"in the order {', '.join(order)}"] if order else []
            parts += [f"when they come so: {', '.join(timeline)}"] if timeline else []
            yield "; ".join(parts) or "as the environment boots it"
        case Counts():
            yield f"{evidence.environment}: {evidence.shown} of {evidence.of} {evidence.noun} show it"
        case KeptIn(environments=environments):
            yield f"kept to the script in: {', '.join(environments)}"
        case SameIn(scenarios=scenarios):
            count = f"{len(scenarios)} other scenario{'s' if len(scenarios) > 1 else ''}"
            yield f"the same in {count}: {_some(scenarios, _NAMED - 1)}"
        case SeenIn(environments=environments, evidence=pieces):
            place = ", ".join(environments)
            yield from (f"  {text}" if text.startswith(" ") else f"in {place}: {text}" for text in words_of(pieces))
        case Reproduced(environments=environments):
            yield f"reproduced in a fresh container: {', '.join(environments)}"
        case Unplayed(scenarios=scenarios):
            yield f"scenarios that were not played any more: {scenarios}"
        case _:
            return


def _parted(evidence: Parted) -> Iterator[str]:
    if evidence.scenario:
        on = f" of connection {evidence.connection}" if evidence.connection else ""
        place = f"{evidence.scenario} parts at entry {evidence.number}{on}"
    else:
        place = f"startup parts at step {evidence.number}"
    yield place + (f", after {evidence.common}" if evidence.common else ", at the very beginning")
    yield from (f"{name}: {text}" for name, text in evidence.sides)


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
            unsure = "; ".join(" and ".join(one) for one in cause.among)
            return f"no cause was isolated: booted twice with {unsure}, it showed only once{cost}"
        case "cannot say":
            known = ", or ".join(_alternative(one) for one in cause.among)
            unsure = "whether it passes without that, no boot could say"
            return f"no cause is certain: with {known} it shows; {unsure}{cost}"
        case "not taken apart":
            known = ", or ".join(_alternative(one) for one in cause.among)
            unsure = "whether each part of that is needed, no boot could say"
            return f"no cause is certain: with {known} it shows, and without it passes; {unsure}{cost}"
        case "nothing passes":
            return "no cause was looked for: in no other environment it was seen to pass"
        case "not all of it":
            known = ", or ".join(_alternative(one) for one in cause.among)
            return f"no cause explains all of it: {known}, and without that {failing} still shows it{cost}"
        case "out of boots":
            among = [trait for one in cause.among for trait in one]
            spent = _cost(search) if search is not None else _boots(cause.boots)
            return f"no cause was isolated within {spent}: it is among {_some(among)}"


def _between(search: Search) -> str:
    many = f"{search.traits} trait{'s' if search.traits != 1 else ''}"
    return f"{search.passing} and {search.failing} differ in {many}"


def _cost(search: Search) -> str:
    text = f"{_boots(search.boots)} to find it, {search.verifying} to verify"
    if search.warm:
        text += f", {search.warm} of them warm"
    if search.shared:
        text += f", {search.shared} {'' if search.warm else 'of them '}shared with other findings"
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


def _some(names: Sequence[str], most: int = _SHOWN) -> str:
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - most} more" if len(unique) > most else ""
    return ", ".join(unique[:most]) + more
