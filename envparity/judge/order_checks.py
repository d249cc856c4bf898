"""What EP211–214 look at: boots in orders of initialisation, each beside the canonical one of its environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from envparity.backend import Backend
from envparity.judge.canonical import lines
from envparity.judge.compare import kept, partings
from envparity.judge.finding import Finding
from envparity.judge.normalise import ABSENT, report_paths, setting_of
from envparity.judge.order_boots import OrderBoot, order_boots
from envparity.judge.order_findings import Broken, merged
from envparity.judge.report_consistency import inconsistencies, is_too_early
from envparity.judge.startup_checks import ended, is_named, started, startup_failures, still_starting
from envparity.judge.told import starting_scenarios, what_clients_were_told
from envparity.judge.volatile import steady
from envparity.observe.record import Observation, StartupFailure
from envparity.subject import Subject

__all__ = [
    "Tables",
    "conversation_depends_on_order",
    "conversations_apart",
    "failures_of",
    "forbidden_order_accepted",
    "log",
    "report_depends_on_order",
    "reports_apart",
    "undecided",
    "verdict_depends_on_order",
]

_SHOWN = 12  # paths of one finding that are quoted
_LAST = 6  # entries of a conversation that are quoted
_LOG_LINES = 8
# how a report may number its steps: the place is the order itself
_PLACE = re.compile(r"(index|position|place|rank|number|sequence|seq|order|previous|next)$")
_SIDES = ("canonical order", "this order")


def report_depends_on_order(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    """EP211."""
    boots, tables = _in_order(observations), Tables(subject)
    broken = [one for boot in boots if started(boot.observation) for one in reports_apart(tables, boot)]
    yield from merged("EP211", broken, [boot.observation for boot in boots], "orders")


def verdict_depends_on_order(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    """EP212."""
    boots = _in_order(observations)
    broken = [_not_started(subject, boot.observation) for boot in boots if not started(boot.observation)]
    yield from merged("EP212", broken, [boot.observation for boot in boots], "orders")


def conversation_depends_on_order(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    """EP213."""
    boots = _in_order(observations)
    broken = [one for boot in boots if started(boot.observation) for one in conversations_apart(subject, boot)]
    yield from merged("EP213", broken, [boot.observation for boot in boots], "orders")


def forbidden_order_accepted(_subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    """EP214."""
    boots = [boot for boot in order_boots(observations) if boot.kind == "forbidden"]
    broken = [
        Broken(
            observation=boot.observation,
            where="startup order",
            expected="refused: startup fails, and names what is wrong with the order",
            got=got,
            same=(got,),
            evidence=(boot.why, *_ran_too_early(boot.observation)),
        )
        for boot in boots
        if (got := _instead_of_refusing(boot.observation))
    ]
    yield from merged("EP214", broken, [boot.observation for boot in boots], "forbidden orders")


class Tables:
    """Startup reports, flat and normalised, each once: the canonical one is compared with all the others."""

    def __init__(self, subject: Subject) -> None:
        self.backend = subject.backend
        self._environments = subject.environments
        self._made: dict[int, tuple[Observation, list[dict[str, str]]]] = {}

    def of(self, observation: Observation) -> list[dict[str, str]]:
        """One table for each replica that has a report."""
        if id(observation) not in self._made:
            environment = self._environments.get(observation.case.environment)
            reports = [replica.startup for replica in observation.replicas if replica.startup is not None]
            tables = [report_paths(report, self.backend, environment) for report in reports]
            self._made[id(observation)] = (observation, tables)  # what is kept keeps its id
        return self._made[id(observation)][1]


def reports_apart(tables: Tables, boot: OrderBoot) -> Iterator[Broken]:
    """Where the report of a boot that started well differs from that in the canonical order, group by group."""
    baseline = boot.comparable
    if baseline is None:
        return
    usual = tables.of(baseline)[0]
    follows = _follows(tables.backend, boot, baseline)
    groups: dict[str, dict[str, tuple[str, str]]] = {}
    for table in tables.of(boot.observation):
        for path in sorted(usual.keys() | table.keys()):
            before, after = usual.get(path, ABSENT), table.get(path, ABSENT)
            if before != after and not follows(path):
                groups.setdefault(".".join(path.split(".")[:3]), {})[path] = (before, after)
    for where, paths in groups.items():
        path, (before, after) = next(iter(paths.items()))
        leaf = path.removeprefix(where).removeprefix(".")
        more = f", and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield Broken(
            observation=boot.observation,
            where=where,
            expected=f"as in the canonical order: {leaf} {before}".replace(":  ", ": "),
            got=f"{leaf} {after}{more}".strip(),
            same=(where,),
            evidence=tuple(
                f"{path}: {_SIDES[0]} {one}, {_SIDES[1]} {other}" for path, (one, other) in list(paths.items())[:_SHOWN]
            ),
        )


def conversations_apart(subject: Subject, boot: OrderBoot) -> Iterator[Broken]:
    """The scenarios that keep to their script in the canonical order, and here do not, or go differently."""
    baseline = boot.comparable
    if baseline is None:
        return
    for script in boot.observation.transcripts:
        before = baseline.transcript(script.scenario)
        if before is None or not kept(before) or script.scenario in starting_scenarios(subject.backend):
            continue
        if script.departure is not None:
            expected = steady(script.departure.expected, script.names)
            got = steady(script.departure.got, script.names)
            evidence = (f"step {script.departure.step + 1}, after:", *lines(script, _LAST), *log(boot.observation))
        else:
            apart = list(partings(subject, (baseline, before), (boot.observation, script), _SIDES))
            if not apart:
                continue
            path = apart[0].difference.path.removeprefix(f"conversation.{script.scenario}.")
            expected = f"as in the canonical order: {path} {apart[0].difference.expected}"
            got = f"{path} {apart[0].difference.got}"
            evidence = apart[0].evidence
        yield Broken(
            observation=boot.observation,
            where=script.scenario,
            expected=expected,
            got=got,
            same=(script.scenario, expected, got),
            scenario=script.scenario,
            evidence=evidence,
        )


def failures_of(observation: Observation) -> list[StartupFailure]:
    """Why that startup failed, over all replicas; empty where it did not."""
    return list(dict.fromkeys(one for replica in observation.replicas for one in startup_failures(replica)))


def undecided(observation: Observation) -> tuple[str, str | None]:
    """What a startup without an end is at, in words, and the step that is not done."""
    said = [still_starting(replica) for replica in observation.replicas if replica.undecided_after_s is not None]
    said += [still_starting(replica) for replica in observation.replicas]
    got, late = next(iter(said), ("no replica", None))
    return got, late.name if late is not None else None


def log(observation: Observation) -> tuple[str, ...]:
    """The end of every replica's log."""
    return tuple(text for replica in observation.replicas for text in replica.log_tail[-_LOG_LINES:])


def _in_order(observations: Sequence[Observation]) -> list[OrderBoot]:
    """The boots in another order than the canonical one, where that one starts well."""
    return [boot for boot in order_boots(observations) if boot.kind == "order" and boot.comparable is not None]


def _not_started(subject: Subject, observation: Observation) -> Broken:
    """How a startup went that did not pass: which component failed, or is not done, or that the process is gone."""
    failures = failures_of(observation)
    evidence = [line for one in failures for line in _quoted(one)]
    if failures:
        component = failures[0].component or None
        got = "fails: " + ", ".join(dict.fromkeys(f"{one.component} {one.code}".strip() for one in failures))
        where = component or "startup"
    elif gone := ended(observation):
        component, where, got = None, "process", f"the process ended with exit code {gone[0].exit_code}"
    else:
        got, component = undecided(observation)
        where = component or "startup"
    clients = what_clients_were_told(subject.backend, observation)
    first = next((one for one in clients if one.status == 101), clients[0] if clients else None)
    evidence += [f"the client was told: {first}" if first is not None else "no client connected"]
    return Broken(
        observation=observation,
        where=where,
        expected="startup passes, as in the canonical order",
        got=got,
        same=(where, got),
        component=component,
        scenario=first.scenario if first is not None else None,
        evidence=(*evidence, *(() if failures else log(observation))),
    )


def _quoted(failure: StartupFailure) -> Iterator[str]:
    yield f"{failure.component}: {failure.code}: {failure.description}" if failure.code else failure.description
    if failure.action:
        yield f"action: {failure.action}"


def _instead_of_refusing(observation: Observation) -> str:
    """What the backend did with a forbidden order other than refusing it; empty where it refused."""
    failures = failures_of(observation)
    if started(observation):
        return "startup passed"
    if any(_ran_too_early(observation)):
        return "the steps were run in that order"
    if failures:
        return "" if all(map(is_named, failures)) else "startup failed, and names no failure with component and code"
    if gone := ended(observation):
        return f"the process ended with exit code {gone[0].exit_code}"
    return undecided(observation)[0]


def _ran_too_early(observation: Observation) -> Iterator[str]:
    """What shows in the report that the order was not refused but run."""
    for replica in observation.replicas:
        for problem in inconsistencies(replica.startup) if replica.startup is not None else ():
            if is_too_early(problem):
                yield problem


def _follows(backend: Backend, boot: OrderBoot, baseline: Observation) -> Callable[[str], bool]:
    """Whether a path of the report only says again which order, or which settings, the two boots were given.

    Fresh containers have a network of their own, which a setting may name.
    """
    asked = {name for one in (boot.observation, baseline) for name, _ in one.case.boot.settings}
    before, after = ({one.name: one.fingerprint for one in seen.settings} for seen in (baseline, boot.observation))
    asked |= {name for name in before.keys() & after.keys() if before[name] != after[name]}
    order, steps = f"report.{backend.report.order}", f"report.{backend.report.steps}."

    def follows(path: str) -> bool:
        placed = path.startswith(steps) and _PLACE.match(path.rpartition(".")[2]) is not None
        setting = setting_of(path, backend)
        asked_for = setting is not None and (setting in asked or setting == backend.order_setting)
        return placed or asked_for or path == order or path.startswith(f"{order}.")

    return follows
