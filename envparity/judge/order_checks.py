"""What the rules about orders look at: boots in orders of initialisation, each beside its canonical one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from envparity.judge.client_outcome import first_told, starting_scenarios
from envparity.judge.compare_conversations import kept, partings
from envparity.judge.conversation_checks import ending
from envparity.judge.evidence import (
    BACKEND_LOG,
    ClientTold,
    Contradictions,
    Evidence,
    LogQuote,
    ObservedDifference,
    StartupFailed,
)
from envparity.judge.finding import Breach
from envparity.judge.normalise import ABSENT, setting_of
from envparity.judge.order_boots import OrderBoot
from envparity.judge.order_findings import Broken, merged
from envparity.judge.report_consistency import inconsistencies
from envparity.judge.startup_facts import ended, failures_of, is_named, started, still_starting
from envparity.judge.view import RunView
from envparity.judge.volatile import steady
from envparity.model.backend import Backend
from envparity.observe.record import Observation

__all__ = [
    "conversation_depends_on_order",
    "conversations_apart",
    "forbidden_order_accepted",
    "log",
    "report_depends_on_order",
    "reports_apart",
    "undecided",
    "verdict_depends_on_order",
]

_SHOWN = 12  # paths of one finding that are quoted
_LOG_LINES = 8
# how a report may number its steps: the place is the order itself
_PLACE = re.compile(r"(index|position|place|rank|number|sequence|seq|order|previous|next)$")
_SIDES = ("canonical order", "this order")


def report_depends_on_order(view: RunView) -> Iterator[Breach]:
    """In an order that the graph allows the report is another one."""
    boots = _in_order(view)
    broken = [each_broken for boot in boots if started(boot.observation) for each_broken in reports_apart(view, boot)]
    yield from merged(broken, [boot.observation for boot in boots], "orders")


def verdict_depends_on_order(view: RunView) -> Iterator[Breach]:
    """In an order that the graph allows startup does not pass."""
    boots = _in_order(view)
    broken = [_not_started(view, boot.observation) for boot in boots if not started(boot.observation)]
    yield from merged(broken, [boot.observation for boot in boots], "orders")


def conversation_depends_on_order(view: RunView) -> Iterator[Breach]:
    """In an order that the graph allows a conversation goes otherwise."""
    boots = _in_order(view)
    broken = [
        each_broken for boot in boots if started(boot.observation) for each_broken in conversations_apart(view, boot)
    ]
    yield from merged(broken, [boot.observation for boot in boots], "orders")


def forbidden_order_accepted(view: RunView) -> Iterator[Breach]:
    """An order that the graph does not allow was not refused."""
    boots = [boot for boot in view.order_boots if boot.kind == "forbidden"]
    broken = [
        Broken(
            observation=boot.observation,
            where="startup order",
            expected="refused: startup fails, and names what is wrong with the order",
            got=got,
            same=(got,),
            evidence=(Contradictions((boot.why, *_ran_too_early(boot.observation))),),
        )
        for boot in boots
        if (got := _instead_of_refusing(boot.observation))
    ]
    yield from merged(broken, [boot.observation for boot in boots], "forbidden orders")


def reports_apart(view: RunView, boot: OrderBoot) -> Iterator[Broken]:
    """Where the report of a boot that started well differs from that in the canonical order, group by group."""
    baseline = boot.comparable
    if baseline is None:
        return
    tables = view.tables
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
                ObservedDifference(path, *_SIDES, before, after)
                for path, (before, after) in list(paths.items())[:_SHOWN]
            ),
        )


def conversations_apart(view: RunView, boot: OrderBoot) -> Iterator[Broken]:
    """The scenarios that keep to their script in the canonical order, and here do not, or go differently."""
    baseline = boot.comparable
    if baseline is None:
        return
    for script in boot.observation.transcripts:
        before = baseline.transcript(script.scenario)
        if before is None or not kept(before) or script.scenario in starting_scenarios(view.project.backend):
            continue
        if script.departure is not None:
            expected = steady(script.departure.expected, script.names)
            got = steady(script.departure.got, script.names)
            evidence: tuple[Evidence, ...] = (ending(script), *log(boot.observation))
        else:
            apart = list(partings(view.project, (baseline, before), (boot.observation, script), _SIDES))
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


def undecided(observation: Observation) -> tuple[str, str | None]:
    """What a startup without an end is at, in words, and the step that is not done."""
    said = [still_starting(replica) for replica in observation.replicas if replica.undecided_after_s is not None]
    said += [still_starting(replica) for replica in observation.replicas]
    got, late = next(iter(said), ("no replica", None))
    return got, late.name if late is not None else None


def log(observation: Observation) -> tuple[LogQuote, ...]:
    """The end of every replica's log."""
    tails = [replica.log_tail[-_LOG_LINES:] for replica in observation.replicas]
    return tuple(LogQuote(BACKEND_LOG, tail) for tail in tails if tail)


def _in_order(view: RunView) -> list[OrderBoot]:
    """The boots in another order than the canonical one, where that one starts well."""
    return [boot for boot in view.order_boots if boot.kind == "order" and boot.comparable is not None]


def _not_started(view: RunView, observation: Observation) -> Broken:
    """How a startup went that did not pass: which component failed, or is not done, or that the process is gone."""
    failures = failures_of(observation)
    if failures:
        component = failures[0].component or None
        got = "fails: " + ", ".join(
            dict.fromkeys(f"{failure.component} {failure.code}".strip() for failure in failures)
        )
        where = component or "startup"
    elif gone := ended(observation):
        component, where, got = None, "process", f"the process ended with exit code {gone[0].exit_code}"
    else:
        got, component = undecided(observation)
        where = component or "startup"
    first = first_told(view.clients_told(observation))
    return Broken(
        observation=observation,
        where=where,
        expected="startup passes, as in the canonical order",
        got=got,
        same=(where, got),
        component=component,
        scenario=first.scenario if first is not None else None,
        evidence=(
            *(
                StartupFailed(failure.description, failure.code, failure.component, failure.action)
                for failure in failures
            ),
            ClientTold(first.outcome if first is not None else None),
            *(() if failures else log(observation)),
        ),
    )


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
            if problem.kind == "too early":
                yield problem.said


def _follows(backend: Backend, boot: OrderBoot, baseline: Observation) -> Callable[[str], bool]:
    """Whether a path of the report only says again which order, or which settings, the two boots were given.

    Fresh containers have a network of their own, which a setting may name.
    """
    asked = {name for observation in (boot.observation, baseline) for name, _ in observation.case.boot.settings}
    before, after = (
        {fingerprint.name: fingerprint.fingerprint for fingerprint in seen.settings}
        for seen in (baseline, boot.observation)
    )
    asked |= {name for name in before.keys() & after.keys() if before[name] != after[name]}
    order, steps = f"report.{backend.report.order}", f"report.{backend.report.steps}."

    def follows(path: str) -> bool:
        placed = path.startswith(steps) and _PLACE.match(path.rpartition(".")[2]) is not None
        setting = setting_of(path, backend)
        asked_for = setting is not None and (setting in asked or setting == backend.order_setting)
        return placed or asked_for or path == order or path.startswith(f"{order}.")

    return follows
