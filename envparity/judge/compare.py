"""Observations laid side by side: every path at which one differs from its baseline, and who declared that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import islice, product, zip_longest
from typing import Literal

from envparity.judge.canonical import Item, connections
from envparity.judge.evidence import Difference, SideBySide
from envparity.judge.normalise import ABSENT, fingerprint_paths, setting_of
from envparity.judge.order_boots import OrderBoot
from envparity.judge.report_tables import ReportTables
from envparity.judge.volatile import words_alone
from envparity.model.case import Boot
from envparity.model.environment import Difference as Declaration
from envparity.model.subject import Subject
from envparity.observe.record import JobRun, Observation, Replica
from envparity.observe.transcript import Transcript

__all__ = [
    "PARTS",
    "Compared",
    "Declared",
    "Groups",
    "boot_groups",
    "control_differences",
    "covers",
    "in_order",
    "kept",
    "partings",
    "report_differences",
    "setting_differences",
    "transcript_differences",
]

_OF_A_RELEASE = frozenset({"release", "releaseid", "revision", "commit", "build"})

PARTS = "parts"
"""The nature of a difference after which two conversations have nothing in common: see `Compared.parts`."""

Groups = Sequence[Sequence[Observation]]
Kind = Literal["report", "setting", "frame", "handshake", "close"]


@dataclass(frozen=True)
class Declared:
    """A declaration and the environment whose file holds it."""

    environment: str
    declaration: Declaration

    def expired(self, today: str) -> bool:
        """`expires` is the last day on which it holds; without a `today` nothing expires."""
        expires = self.declaration.expires
        return bool(today) and expires is not None and expires.isoformat() < today


@dataclass(frozen=True)
class Compared:
    """One difference between two observations. `where` groups those that have one cause: a setting, a frame's type."""

    kind: Kind
    where: str
    difference: Difference
    cases: tuple[str, str]
    allowed: tuple[Declared, ...]
    expired: tuple[Declared, ...]
    scenario: str | None = None
    evidence: tuple[SideBySide, ...] = ()
    parts: bool = False  # the conversations go separate ways from here

    @property
    def declared(self) -> bool:
        return bool(self.allowed)


def in_order(subject: Subject, observations: Iterable[Observation]) -> list[Observation]:
    """By environment, in the subject's order, unknown ones after, by name; then by boot, the cold one first.

    Where every boot asks for an order, nothing says which is the canonical one: the first given is, in its environment.
    """
    seen = list(observations)
    ranks = {name: rank for rank, name in enumerate(subject.environments)}
    asked = [one.case for one in seen] if all(one.case.boot.order for one in seen) else []
    first = {case.environment: case.boot.order for case in reversed(asked)}

    def key(one: Observation) -> tuple[int, str, bool, Boot, bool, str]:
        name, boot = one.case.environment, one.case.boot
        return (ranks.get(name, len(ranks)), name, boot.order != first.get(name), boot, one.warm, one.run_id)

    return sorted(seen, key=key)


def boot_groups(observations: Sequence[Observation], order_boots: Iterable[OrderBoot]) -> list[list[Observation]]:
    """What may be compared: observations whose boot is equal, each group in order, without what was never stood up.

    `observations` are in order, `order_boots` those of them that have one.

    A warm boot is not behind the ingress, and is only like another warm one. Boots in an order are held against the
    canonical one of their own environment, by rules of their own, so that it is enough to compare the canonical ones.
    """
    judged = {id(boot.observation) for boot in order_boots if _has_own_rule(boot)}
    groups: dict[tuple[Boot, bool], list[Observation]] = {}
    for one in observations:
        if one.launch_failure is None and id(one) not in judged:
            groups.setdefault((one.case.boot, one.warm), []).append(one)
    return [groups[boot] for boot in sorted(groups)]


def _has_own_rule(boot: OrderBoot) -> bool:
    return boot.kind in {"forbidden", "timeline"} or (boot.kind == "order" and boot.comparable is not None)


def report_differences(subject: Subject, groups: Groups, known: ReportTables) -> Iterator[Compared]:
    """Startup reports of equal verdict, replica by replica; a verdict that differs explains everything else."""
    for group in groups:
        for verdict in ("pass", "fail"):
            reported = [(one, replica) for one in group for replica in one.replicas if _verdict(replica) == verdict]
            tables = [(one, known.of_replica(one, replica)) for one, replica in reported]
            yield from _against_first(subject, tables, settings=False)


def setting_differences(subject: Subject, groups: Groups, known: ReportTables) -> Iterator[Compared]:
    """Settings, both as they were given and as the backend reports that it has them."""
    for group in groups:
        given = [(one, fingerprint_paths(one, subject.environments.get(one.case.environment))) for one in group]
        yield from _against_first(subject, [(one, table) for one, table in given if table], settings=True)
        reported = [(one, replica) for one in group for replica in one.replicas if _verdict(replica) is not None]
        tables = [(one, known.of_replica(one, replica)) for one, replica in reported]
        yield from _against_first(subject, tables, settings=True)


def job_differences(subject: Subject, groups: Groups) -> Iterator[Compared]:
    """Jobs that ran well: which there are, and what each has written, without numbers, moments and ids."""
    for group in groups:
        ran = [one for one in group if _ran_its_jobs(one)]
        tables = [(one, {f"jobs.{run.name}.log": _log(run) for run in one.jobs}) for one in ran]
        yield from _against_first(subject, tables, settings=False)


def _ran_its_jobs(one: Observation) -> bool:
    """Whether what it has run says which jobs its environment has: nothing kept them from running to their end."""
    return (
        one.attached is None and not one.warm and not one.case.boot.down and all(run.exit_code == 0 for run in one.jobs)
    )


def _log(run: JobRun) -> str:
    return json.dumps([words_alone(line) for line in run.log if line.strip()], ensure_ascii=False)


def control_differences(subject: Subject, observation: Observation) -> Iterator[Compared]:
    """Where another play of a scenario went otherwise than the first, in the same boot, and nobody declares that.

    Of plays that kept to the script: one that did not is a finding of its own.
    """
    declarations = [one for environment in subject.environments.values() for one in environment.differences]
    pair = _Pair(subject, observation, observation, ("first play", "second play"))
    for scenario in dict.fromkeys(one.scenario for one in observation.control):
        plays = _plays(observation, scenario)
        seen: set[str] = set()
        for again in plays[1:]:
            for compared in _partings(pair, plays[0], again):
                path = compared.difference.path
                if path not in seen and not any(covers(one, path) for one in declarations):
                    seen.add(path)
                    yield compared


def transcript_differences(subject: Subject, groups: Groups) -> Iterator[Compared]:
    """Conversations that kept to their script and were yet not the same; a departure is a finding of its own.

    What differs between two plays of one environment differs by chance, and is not compared with another environment.
    """
    for group in groups:
        chance = _Chance(compared for one in group for compared in control_differences(subject, one))
        yield from (one for one in _across(subject, group) if one not in chance)


class _Chance:
    """What differs by chance in a group of boots: fields of frames by name, and whole scenarios by their sequence."""

    def __init__(self, differences: Iterable[Compared]) -> None:
        found = list(differences)
        self._sequences = {one.scenario for one in found if one.parts}
        self._paths = {_within(one) for one in found if not one.parts}

    def __contains__(self, compared: object) -> bool:
        return isinstance(compared, Compared) and (
            compared.scenario in self._sequences or (not compared.parts and _within(compared) in self._paths)
        )


def _within(compared: Compared) -> str:
    """The path of a difference without the scenario that shows it."""
    return compared.difference.path.removeprefix(f"conversation.{compared.scenario}.")


def _across(subject: Subject, group: Sequence[Observation]) -> Iterator[Compared]:
    names = dict.fromkeys(transcript.scenario for one in group for transcript in one.transcripts)
    for scenario in names:
        played = [(one, one.transcript(scenario)) for one in group]
        whole = [(one, script) for one, script in played if script is not None and kept(script)]
        for other, script in whole[1:]:
            pair = _Pair(subject, whole[0][0], other)
            first = list(_partings(pair, whole[0][1], script))
            if first:
                yield from _in_every_play(pair, scenario, first)


def _in_every_play(pair: _Pair, scenario: str, first: Sequence[Compared]) -> Iterator[Compared]:
    """Those of the differences of the first plays that any play of one environment has to any play of the other."""
    lasting = {_difference_key(one) for one in first}
    plays = product(_plays(pair.baseline, scenario), _plays(pair.other, scenario))
    for before, after in islice(plays, 1, None):  # the first plays have been compared
        lasting &= {_difference_key(one) for one in _partings(pair, before, after)}
    yield from (one for one in first if _difference_key(one) in lasting)


def _plays(observation: Observation, scenario: str) -> list[Transcript]:
    """Every play of that scenario that kept to its script."""
    played = (*observation.transcripts, *observation.control)
    return [one for one in played if one.scenario == scenario and kept(one)]


def _difference_key(compared: Compared) -> str:
    return "" if compared.parts else compared.difference.path


def partings(
    subject: Subject,
    baseline: tuple[Observation, Transcript],
    other: tuple[Observation, Transcript],
    sides: tuple[str, str],
) -> Iterator[Compared]:
    """Where two playings of one scenario differ; `sides` is what the two are called."""
    yield from _partings(_Pair(subject, baseline[0], other[0], sides), baseline[1], other[1])


def kept(transcript: Transcript) -> bool:
    """Whether the conversation kept to its script."""
    return transcript.departure is None


def covers(declaration: Declaration, path: str) -> bool:
    """Whether the glob matches; brackets may also stand for themselves, as in `conversation.chat[header].*`."""
    pattern = declaration.path
    return fnmatchcase(path, pattern) or fnmatchcase(path, pattern.replace("[", "[[]"))


@dataclass(frozen=True)
class _Pair:
    """Two observations, the first of which is the baseline. They are called by their environments, or by `sides`."""

    subject: Subject
    baseline: Observation
    other: Observation
    sides: tuple[str, str] | None = None

    def compared(self, kind: Kind, where: str, path: str, expected: str, got: str) -> Compared:
        """A difference at that path, with the declarations of either side that cover it."""
        names = tuple(dict.fromkeys((self.baseline.case.environment, self.other.case.environment)))
        known = self.subject.environments
        covering = [
            Declared(name, declaration)
            for name in names
            if name in known
            for declaration in known[name].differences
            if covers(declaration, path)
        ]
        return Compared(
            kind=kind,
            where=where,
            difference=Difference(path, *(self.sides or (names[0], names[-1])), expected, got),
            cases=(self.baseline.case.id, self.other.case.id),
            allowed=tuple(one for one in covering if not one.expired(self.subject.today)),
            expired=tuple(one for one in covering if one.expired(self.subject.today)),
        )


def _verdict(replica: Replica) -> str | None:
    report = replica.startup
    if report is None or report.status not in {"pass", "fail"}:
        return None
    return "fail" if report.status == "fail" or report.failures else "pass"


def _against_first(
    subject: Subject, tables: Sequence[tuple[Observation, Mapping[str, str]]], *, settings: bool
) -> Iterator[Compared]:
    """Each table against the first: only the paths about settings, or only the others."""
    for other, table in tables[1:]:
        baseline, expected = tables[0]
        pair = _Pair(subject, baseline, other)
        for path in sorted(expected.keys() | table.keys()):
            setting = setting_of(path, subject.backend)
            before, after = expected.get(path, ABSENT), table.get(path, ABSENT)
            if before == after or (setting is not None) is not settings:
                continue
            if (baseline.attached or other.attached) and _unknown(subject, path, setting, before, after):
                continue
            depth = 2 if path.startswith("jobs.") else 3
            where = setting if setting is not None else ".".join(path.split(".")[:depth])
            yield pair.compared("report" if setting is None else "setting", where, path, before, after)


def _unknown(subject: Subject, path: str, setting: str | None, before: str, after: str) -> bool:
    """Whether nothing follows from a difference to what was not booted here.

    Its release is whatever was deployed last. Of its settings only a value that it reports itself is known: where it
    came from, and which it was not given, is for whoever deployed it to know.
    """
    name = setting or path.removeprefix("report.")
    unsure = setting is not None and (not path.endswith(".value") or ABSENT in {before, after})
    none = name == subject.backend.report.settings  # a report with an empty list of them
    return none or unsure or name.lower().replace("_", "") in _OF_A_RELEASE


def _partings(pair: _Pair, baseline: Transcript, other: Transcript) -> Iterator[Compared]:
    """Field by field where two events are of a kind; where they are not, that is where the connections part."""
    backend = pair.subject.backend
    before, after = connections(backend, baseline), connections(backend, other)
    seen: set[str] = set()
    offset = 0
    for connection in sorted(before.keys() | after.keys()):
        ours, theirs = before.get(connection, ()), after.get(connection, ())
        for index, (one, two) in enumerate(zip_longest(ours, theirs), start=offset):
            if one is None or two is None or (one.kind, one.name) != (two.kind, two.name):
                yield _apart(pair, baseline.scenario, index, one, two)
                break
            for compared in _by_field(pair, baseline.scenario, one, two):
                if compared.difference.path not in seen:
                    seen.add(compared.difference.path)
                    yield compared
        offset += len(ours)


def _by_field(pair: _Pair, scenario: str, one: Item, two: Item) -> Iterator[Compared]:
    for name in sorted(one.fields.keys() | two.fields.keys()):
        before, after = one.fields.get(name, ABSENT), two.fields.get(name, ABSENT)
        if before != after:
            path = f"conversation.{scenario}.{one.name}.{name}"
            kind: Kind = "handshake" if one.kind == "handshake" else "close" if one.kind == "close" else "frame"
            where = one.name if kind == "frame" else scenario
            yield _shown(pair.compared(kind, where, path, before, after), scenario, one, two, parts=False)


def _apart(pair: _Pair, scenario: str, index: int, one: Item | None, two: Item | None) -> Compared:
    kinds = {item.kind for item in (one, two) if item is not None}
    kind: Kind = "handshake" if "handshake" in kinds else "close" if "close" in kinds else "frame"
    before, after = ("nothing more" if item is None else str(item) for item in (one, two))
    compared = pair.compared(kind, scenario, f"conversation.{scenario}.{index}", before, after)
    return _shown(compared, scenario, one, two, parts=True)


def _shown(compared: Compared, scenario: str, one: Item | None, two: Item | None, *, parts: bool) -> Compared:
    names = (compared.difference.baseline, compared.difference.other)
    sides = tuple(
        (name, item.event if item is not None else None) for name, item in zip(names, (one, two), strict=True)
    )
    return replace(compared, scenario=scenario, evidence=(SideBySide(sides),), parts=parts)
