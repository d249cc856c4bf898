"""Where two observations part: the first startup step or frame at which they are no longer alike, both sides shown.

Whoever compares two reports or two transcripts by eye looks for just this place. What comes after it follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

import msgspec

from envparity.judge.canonical import Item, connections, line
from envparity.judge.compare import covers
from envparity.judge.finding import Finding, Judgement
from envparity.observe.record import Observation, StartupReport, StartupStep, Transcript
from envparity.subject import Subject

__all__ = ["Parting", "conversation_parting", "startup_parting", "with_partings"]

_OF_STARTUP = frozenset({"EP201", "EP202"})
_OF_CONVERSATIONS = frozenset({"EP401", "EP402", "EP403"})
_NOTHING = "nothing more"

Declared = Callable[[str], bool]


class Parting(msgspec.Struct, frozen=True):
    """Where two part: the place in words, the last thing that they have in common, and what comes then on either side.

    `common` is empty where they part at the very beginning.
    """

    place: str
    common: str
    one: str
    other: str

    def lines(self, one: str, other: str) -> tuple[str, ...]:
        """As evidence, the sides by their names."""
        after = f", after {self.common}" if self.common else ", at the very beginning"
        return (f"{self.place}{after}", f"{one}: {self.one}", f"{other}: {self.other}")


def startup_parting(one: StartupReport, other: StartupReport) -> Parting | None:
    """The first step at which two startups part: another step, another outcome. None where all steps are alike."""
    common = ""
    for number, (left, right) in enumerate(zip_longest(one.steps, other.steps), start=1):
        if left is None or right is None or (left.name, left.outcome) != (right.name, right.outcome):
            place = f"startup parts at step {number}"
            return Parting(place, common, _step(one, left), _step(other, right))
        common = f"{left.name} {left.outcome}"
    return None


def conversation_parting(
    subject: Subject, one: Transcript, other: Transcript, declared: Declared = lambda _path: False
) -> Parting | None:
    """The first entry at which two playings of a scenario part, on the first connection that does. None: they do not.

    `declared` says of a path (`conversation.<scenario>.<frame>.<field>`) whether it may differ.
    """
    before, after = connections(subject.backend, one), connections(subject.backend, other)
    for connection in dict.fromkeys((*before, *after)):
        common = ""
        sides = zip_longest(before.get(connection, ()), after.get(connection, ()))
        for number, (left, right) in enumerate(sides, start=1):
            if left is None or right is None or not _alike(one.scenario, left, right, declared):
                on = f" of connection {connection}" if len(before.keys() | after.keys()) > 1 else ""
                place = f"{one.scenario} parts at entry {number}{on}"
                return Parting(place, common, _entry(left), _entry(right))
            common = left.label
    return None


def with_partings(judgement: Judgement, subject: Subject, observations: Sequence[Observation]) -> Judgement:
    """The judgement, in which findings about what differs between two environments say where the two part."""
    seen = {one.case.id: one for one in observations}

    def shown(finding: Finding) -> Finding:
        sides = [seen[case_id] for case_id in finding.cases if case_id in seen]
        if len(sides) < 2 or finding.code not in _OF_STARTUP | _OF_CONVERSATIONS:
            return finding
        parting = _parting(finding, subject, sides[0], sides[-1])
        if parting is None:
            return finding
        lines = parting.lines(sides[0].case.environment, sides[-1].case.environment)
        return msgspec.structs.replace(finding, evidence=tuple(dict.fromkeys((*lines, *finding.evidence))))

    return msgspec.structs.replace(judgement, findings=tuple(map(shown, judgement.findings)))


def _parting(finding: Finding, subject: Subject, one: Observation, other: Observation) -> Parting | None:
    if finding.code in _OF_STARTUP:
        reports = [next((each.startup for each in side.replicas if each.startup), None) for side in (one, other)]
        return startup_parting(reports[0], reports[1]) if reports[0] and reports[1] else None
    if finding.scenario is None:
        return None
    played = one.transcript(finding.scenario), other.transcript(finding.scenario)
    if played[0] is None or played[1] is None:
        return None
    named = [subject.environments.get(side.case.environment) for side in (one, other)]
    declarations = [each for environment in named if environment for each in environment.differences]
    return conversation_parting(
        subject, played[0], played[1], lambda path: any(covers(each, path) for each in declarations)
    )


def _alike(scenario: str, left: Item, right: Item, declared: Declared) -> bool:
    if (left.kind, left.name) != (right.kind, right.name):
        return False
    return all(
        left.fields.get(name) == right.fields.get(name) or declared(f"conversation.{scenario}.{left.name}.{name}")
        for name in left.fields.keys() | right.fields.keys()
    )


def _step(report: StartupReport, step: StartupStep | None) -> str:
    """`redis failed: REDIS_TIMEOUT, no answer within 10 s`."""
    if step is None:
        return _NOTHING
    why = next((one for one in report.failures if one.component == step.name), None)
    told = f": {why.code}, {why.description}" if why is not None and step.outcome != "passed" else ""
    return f"{step.name} {step.outcome}{told}"


def _entry(item: Item | None) -> str:
    return _NOTHING if item is None else line(item.entry)
