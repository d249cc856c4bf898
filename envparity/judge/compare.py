"""Observations laid side by side: every path at which one differs from its baseline, and who declared that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from envparity.judge.cross_origin import origin_tables
from envparity.judge.evidence import ObservedDifference, ReplicasReached, SideBySide
from envparity.judge.normalise import ABSENT, fingerprint_paths, setting_of
from envparity.judge.order_boots import OrderBoot
from envparity.judge.report_tables import ReportTables
from envparity.judge.volatile import words_alone
from envparity.model.case import Boot
from envparity.model.environment import DeclaredDifference
from envparity.model.project import Project
from envparity.observe.record import JobRun, Observation, Replica

__all__ = [
    "PARTS",
    "Compared",
    "ComparedPair",
    "Declared",
    "Groups",
    "boot_groups",
    "covers",
    "in_order",
    "report_differences",
    "setting_differences",
]

_OF_A_RELEASE = frozenset({"release", "releaseid", "revision", "commit", "build"})

PARTS = "parts"
"""The nature of a difference after which two conversations have nothing in common: see `Compared.parts`."""

Groups = Sequence[Sequence[Observation]]
Kind = Literal["report", "setting", "frame", "handshake", "close", "clients"]


@dataclass(frozen=True)
class Declared:
    """A declaration and the environment whose file holds it."""

    environment: str
    declaration: DeclaredDifference

    def expired(self, today: str) -> bool:
        """`expires` is the last day on which it holds; without a `today` nothing expires."""
        expires = self.declaration.expires
        return bool(today) and expires is not None and expires.isoformat() < today


@dataclass(frozen=True)
class Compared:
    """One difference between two observations. `where` groups those that have one cause: a setting, a frame's type."""

    kind: Kind
    where: str
    difference: ObservedDifference
    cases: tuple[str, str]
    allowed: tuple[Declared, ...]
    expired: tuple[Declared, ...]
    scenario: str | None = None
    evidence: tuple[SideBySide | ReplicasReached, ...] = ()
    parts: bool = False  # the conversations go separate ways from here

    @property
    def declared(self) -> bool:
        return bool(self.allowed)


def in_order(project: Project, observations: Iterable[Observation]) -> list[Observation]:
    """By environment, in the project's order, unknown ones after, by name; then by boot, the cold one first.

    Where every boot asks for an order, nothing says which is the canonical one: the first given is, in its environment.
    """
    seen = list(observations)
    ranks = {name: rank for rank, name in enumerate(project.environments)}
    asked = [observation.case for observation in seen] if all(item.case.boot.order for item in seen) else []
    first = {case.environment: case.boot.order for case in reversed(asked)}

    def key(observation: Observation) -> tuple[int, str, bool, Boot, bool, str]:
        name, boot = observation.case.environment, observation.case.boot
        return (
            ranks.get(name, len(ranks)),
            name,
            boot.order != first.get(name),
            boot,
            observation.warm,
            observation.run_id,
        )

    return sorted(seen, key=key)


def boot_groups(observations: Sequence[Observation], order_boots: Iterable[OrderBoot]) -> list[list[Observation]]:
    """What may be compared: observations whose boot is equal, each group in order, without what was never stood up.

    `observations` are in order, `order_boots` those of them that have one.

    A warm boot is not behind the ingress, and is only like another warm one. Boots in an order are held against the
    canonical one of their own environment, by rules of their own, so that it is enough to compare the canonical ones.
    How a certificate for another host is refused is each client's own matter, as is a startup that is stopped.
    """
    judged = {id(boot.observation) for boot in order_boots if _has_own_rule(boot)}
    groups: dict[tuple[Boot, bool], list[Observation]] = {}
    for observation in observations:
        comparable = observation.launch_failure is None and not observation.case.boot.unasked
        if comparable and id(observation) not in judged:
            groups.setdefault((observation.case.boot, observation.warm), []).append(observation)
    return [groups[boot] for boot in sorted(groups)]


def _has_own_rule(boot: OrderBoot) -> bool:
    return boot.kind in {"forbidden", "timeline"} or (boot.kind == "order" and boot.comparable is not None)


def report_differences(project: Project, groups: Groups, known: ReportTables) -> Iterator[Compared]:
    """Startup reports of equal verdict, replica by replica; a verdict that differs explains everything else."""
    for group in groups:
        for verdict in ("pass", "fail"):
            reported = [
                (observation, replica)
                for observation in group
                for replica in observation.replicas
                if _verdict(replica) == verdict
            ]
            tables = [(item, known.of_replica(item, replica)) for item, replica in reported]
            yield from _against_first(project, tables, settings=False)


def setting_differences(project: Project, groups: Groups, known: ReportTables) -> Iterator[Compared]:
    """Settings, both as they were given and as the backend reports that it has them."""
    for group in groups:
        given = [
            (observation, fingerprint_paths(observation, project.environments.get(observation.case.environment)))
            for observation in group
        ]
        yield from _against_first(project, [(each_item, table) for each_item, table in given if table], settings=True)
        reported = [
            (observation, replica)
            for observation in group
            for replica in observation.replicas
            if _verdict(replica) is not None
        ]
        tables = [(item, known.of_replica(item, replica)) for item, replica in reported]
        yield from _against_first(project, tables, settings=True)


def job_differences(project: Project, groups: Groups) -> Iterator[Compared]:
    """Jobs that ran well: which there are, and what each has written, without numbers, moments and ids.

    And which further programs run beside the replicas.
    """
    for group in groups:
        ran = [observation for observation in group if _ran_its_jobs(observation)]
        tables = [(observation, _programs(observation)) for observation in ran]
        yield from _against_first(project, tables, settings=False)


def origin_differences(project: Project, groups: Groups) -> Iterator[Compared]:
    """What browsers are told of health and errors, from each origin."""
    for group in groups:
        asked = [observation for observation in group if observation.cross_origin]
        tables = zip(asked, origin_tables(project.backend, asked), strict=True)
        yield from _against_first(project, list(tables), settings=False)


def _ran_its_jobs(observation: Observation) -> bool:
    """Whether what it has run says which jobs its environment has: nothing kept them from running to their end."""
    return (
        observation.attached is None
        and not observation.warm
        and not observation.case.boot.down
        and all(run.exit_code == 0 for run in observation.jobs)
    )


def _programs(observation: Observation) -> dict[str, str]:
    """What ran beside its replicas, as a table: what each job has written, and that a further program is there."""
    logs = {f"{run.path}.log": _log(run) for run in observation.jobs}
    return logs | {f"processes.{run.name}": "runs" for run in observation.processes}


def _log(run: JobRun) -> str:
    return json.dumps([words_alone(line) for line in run.log if line.strip()], ensure_ascii=False)


def covers(declaration: DeclaredDifference, path: str) -> bool:
    """Whether that declaration is about the path."""
    return declaration.covers(path)


@dataclass(frozen=True)
class ComparedPair:
    """Two observations, the first of which is the baseline. They are called by their environments, or by `sides`."""

    project: Project
    baseline: Observation
    other: Observation
    sides: tuple[str, str] | None = None

    def compared(self, kind: Kind, where: str, path: str, expected: str, got: str) -> Compared:
        """A difference at that path, with the declarations of either side that cover it."""
        names = tuple(dict.fromkeys((self.baseline.case.environment, self.other.case.environment)))
        known = self.project.environments
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
            difference=ObservedDifference(path, *(self.sides or (names[0], names[-1])), expected, got),
            cases=(self.baseline.case.id, self.other.case.id),
            allowed=tuple(
                each_declaration for each_declaration in covering if not each_declaration.expired(self.project.today)
            ),
            expired=tuple(
                each_declaration for each_declaration in covering if each_declaration.expired(self.project.today)
            ),
        )


def _verdict(replica: Replica) -> str | None:
    report = replica.startup
    if report is None or report.status not in {"pass", "fail"}:
        return None
    return "fail" if report.status == "fail" or report.failures else "pass"


def _against_first(
    project: Project, tables: Sequence[tuple[Observation, Mapping[str, str]]], *, settings: bool
) -> Iterator[Compared]:
    """Each table against the first: only the paths about settings, or only the others."""
    for other, table in tables[1:]:
        baseline, expected = tables[0]
        pair = ComparedPair(project, baseline, other)
        for path in sorted(expected.keys() | table.keys()):
            setting = setting_of(path, project.backend)
            before, after = expected.get(path, ABSENT), table.get(path, ABSENT)
            if before == after or (setting is not None) is not settings:
                continue
            if (baseline.attached or other.attached) and _unknown(project, path, setting, before, after):
                continue
            depth = 2 if path.startswith(("jobs.", "processes.", "http.")) else 3
            where = setting if setting is not None else ".".join(path.split(".")[:depth])
            yield pair.compared("report" if setting is None else "setting", where, path, before, after)


def _unknown(project: Project, path: str, setting: str | None, before: str, after: str) -> bool:
    """Whether nothing follows from a difference to what was not booted here.

    Its release is whatever was deployed last. Of its settings only a value that it reports itself is known: where it
    came from, and which it was not given, is for whoever deployed it to know.
    """
    name = setting or path.removeprefix("report.")
    unsure = setting is not None and (not path.endswith(".value") or ABSENT in {before, after})
    none = name == project.backend.report.settings  # a report with an empty list of them
    return none or unsure or name.lower().replace("_", "") in _OF_A_RELEASE
