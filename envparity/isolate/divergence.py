"""Where two observations part: the first startup step or frame at which they are no longer alike, both sides shown.

Whoever compares two reports or two transcripts by eye looks for just this place. What comes after it follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest

import msgspec

from envparity.judge import conduct
from envparity.judge.canonical import Item, connections, line
from envparity.judge.compare import covers
from envparity.judge.evidence import Parted, SideBySide
from envparity.judge.finding import Finding, Judgement
from envparity.model.project import Project
from envparity.observe.record import Observation, StartupReport, StartupStep
from envparity.observe.transcript import Transcript

__all__ = ["Parting", "conversation_parting", "startup_parting", "with_partings"]

_NOTHING = "nothing more"

Declared = Callable[[str], bool]


class Parting(msgspec.Struct, frozen=True):
    """Where two part: the number of the step or entry, what they have in common before, what comes then on either side.

    `common` is empty where they part at the very beginning; `scenario` where it is two startups that part, and
    `connection` where there is one alone.
    """

    number: int
    common: str
    first: str
    other: str
    scenario: str = ""
    connection: str = ""

    def between(self, text: str, other: str) -> Parted:
        """As evidence, the sides by their names."""
        sides = ((text, self.first), (other, self.other))
        return Parted(self.number, sides, self.scenario, self.connection, self.common)


def startup_parting(report: StartupReport, other: StartupReport) -> Parting | None:
    """The first step at which two startups part: another step, another outcome. None where all steps are alike."""
    common = ""
    for number, (left, right) in enumerate(zip_longest(report.steps, other.steps), start=1):
        if left is None or right is None or (left.name, left.outcome) != (right.name, right.outcome):
            return Parting(number, common, _step(report, left), _step(other, right))
        common = f"{left.name} {left.outcome}"
    return None


def conversation_parting(
    project: Project, transcript: Transcript, other: Transcript, declared: Declared = lambda _path: False
) -> Parting | None:
    """The first event at which two playings of a scenario part, on the first connection that does. None: they do not.

    `declared` says of a path (`conversation.<scenario>.<frame>.<field>`) whether it may differ.
    """
    before, after = connections(project.backend, transcript), connections(project.backend, other)
    for connection in dict.fromkeys((*before, *after)):
        common = ""
        sides = zip_longest(before.get(connection, ()), after.get(connection, ()))
        for number, (left, right) in enumerate(sides, start=1):
            if left is None or right is None or not _alike(transcript.scenario, left, right, declared):
                on = connection if len(before.keys() | after.keys()) > 1 else ""
                return Parting(number, common, _entry(left), _entry(right), transcript.scenario, on)
            common = left.label
    return None


def with_partings(judgement: Judgement, project: Project, observations: Sequence[Observation]) -> Judgement:
    """The judgement, in which findings about what differs between two environments say where the two part."""
    seen = {observation.case.id: observation for observation in observations}

    def shown(finding: Finding) -> Finding:
        sides = [seen[case_id] for case_id in finding.cases if case_id in seen]
        if len(sides) < 2 or not conduct(finding).parts:
            return finding
        parting = _parting(finding, project, sides[0], sides[-1])
        if parting is None:
            return finding
        parted = parting.between(sides[0].case.environment, sides[-1].case.environment)
        # where two conversations part has been said, unless it is at another event
        rest = [quoted for quoted in finding.evidence if not (isinstance(quoted, SideBySide) and _says(parted, quoted))]
        return msgspec.structs.replace(finding, evidence=(parted, *rest))

    return msgspec.structs.replace(judgement, findings=tuple(map(shown, judgement.findings)))


def _parting(finding: Finding, project: Project, observation: Observation, other: Observation) -> Parting | None:
    if conduct(finding).parts == "startup":
        reports = [
            next((each.startup for each in side.replicas if each.startup), None) for side in (observation, other)
        ]
        return startup_parting(reports[0], reports[1]) if reports[0] and reports[1] else None
    if finding.scenario is None:
        return None
    played = observation.transcript(finding.scenario), other.transcript(finding.scenario)
    if played[0] is None or played[1] is None:
        return None
    named = [project.environments.get(side.case.environment) for side in (observation, other)]
    declarations = [each for environment in named if environment for each in environment.differences]
    return conversation_parting(
        project, played[0], played[1], lambda path: any(covers(each, path) for each in declarations)
    )


def _says(parted: Parted, shown: SideBySide) -> bool:
    """Whether what is shown side by side is what stands where the two part."""
    sides = tuple((name, _NOTHING if event is None else line(event)) for name, event in shown.sides)
    return sides == parted.sides


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
    why = next((failure for failure in report.failures if failure.component == step.name), None)
    told = f": {why.code}, {why.description}" if why is not None and step.outcome != "passed" else ""
    return f"{step.name} {step.outcome}{told}"


def _entry(item: Item | None) -> str:
    return _NOTHING if item is None else line(item.event)
