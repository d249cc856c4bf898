"""Evidence in words: what a finding shows, line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.canonical import line
from envparity.judge.client_outcome import outcome_text
from envparity.judge.evidence import (
    BACKEND_LOG,
    LAUNCHER_LOG,
    ClientTold,
    Contradictions,
    Counts,
    DeclaredBecause,
    Evidence,
    Excerpt,
    KeptIn,
    LogQuote,
    Note,
    ObservedDifference,
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
from envparity.report.wording_moments import moment_lines

__all__ = ["NAMED", "listed", "words_of"]

NAMED = 6  # findings or scenarios that a line names
_MOST = 12  # traits or pairs that a line names
_NOTHING = "nothing more"


def words_of(evidence: Iterable[Evidence]) -> list[str]:
    """These pieces of evidence, line by line."""
    return [text for quoted in evidence for text in _lines(quoted)]


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
        case ObservedDifference():
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
            yield f"the same in {count}: {listed(scenarios, NAMED - 1)}"
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


def listed(names: Sequence[str], most: int = _MOST) -> str:
    """The names as one line: each once, `most` of them, and how many more."""
    unique = list(dict.fromkeys(names))
    more = f" and {len(unique) - most} more" if len(unique) > most else ""
    return ", ".join(unique[:most]) + more
