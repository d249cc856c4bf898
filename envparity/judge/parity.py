"""EP201–205: what the environments' startups and settings have in common, and what was declared that they have not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.compare import Compared, Declared, boot_groups, report_differences, setting_differences
from envparity.judge.declarations import ledger
from envparity.judge.finding import Difference, Finding, Rule
from envparity.judge.rules import parity
from envparity.judge.startup_checks import startup_failures
from envparity.observe.record import Observation
from envparity.subject import Subject

__all__ = ["RULES"]

_SHOWN = 12  # paths of one finding that are quoted


def _report_differs(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    yield from _grouped("EP201", report_differences(subject, observations))


def _setting_differs(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    yield from _grouped("EP203", setting_differences(subject, observations))


def _grouped(code: str, differences: Iterable[Compared]) -> Iterator[Finding]:
    """One finding for each top group of undeclared paths and each pair of cases."""
    groups: dict[tuple[str, tuple[str, str]], dict[str, Difference]] = {}
    for one in differences:
        if not one.declared:
            groups.setdefault((one.where, one.cases), {})[one.difference.path] = one.difference
    for (where, cases), group in groups.items():
        paths = list(group.values())
        # a value says more than where it came from
        first = next((one for one in paths if one.path.endswith(".value")), paths[0])
        leaf = first.path.removeprefix(where).removeprefix(".")
        more = f", and {len(paths) - 1} more" if len(paths) > 1 else ""
        quoted = [f"{one.path}: {one.baseline} {one.expected}, {one.other} {one.got}" for one in paths[:_SHOWN]]
        yield Finding(
            code=code,
            title="",
            where=where,
            expected=f"as in {first.baseline}: {leaf} {first.expected}".replace(":  ", ": "),
            got=f"{leaf} {first.got}{more}".strip(),
            environments=(first.other,),
            cases=cases,
            component=None,
            evidence=tuple(quoted),
        )


def _verdict_differs(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    for group in boot_groups(subject, observations):
        failed = [one for one in group if any(startup_failures(replica) for replica in one.replicas)]
        passed = [one for one in group if one not in failed and _passed(one)]
        if not failed or not passed or group[0].case.boot.down:
            continue  # without a dependency it is passing that is wrong, and EP104 says so
        reasons = {
            one.case.environment: dict.fromkeys(why for replica in one.replicas for why in startup_failures(replica))
            for one in failed
        }
        yield Finding(
            code="EP202",
            title="",
            where="startup" if failed[0].case.boot.steady else f"startup, {failed[0].case.boot.label}",
            expected=f"passes, as in {', '.join(one.case.environment for one in passed)}",
            got="fails: " + ", ".join(dict.fromkeys(why.component for some in reasons.values() for why in some)),
            environments=tuple(one.case.environment for one in failed),
            cases=tuple(one.case.id for one in (*passed, *failed)),
            evidence=tuple(
                f"{name}: {why.component} {why.code}: {why.description}"
                for name, some in reasons.items()
                for why in some
            ),
        )


def _passed(one: Observation) -> bool:
    reports = [replica.startup for replica in one.replicas]
    return bool(reports) and all(report is not None and report.status == "pass" for report in reports)


def _unused(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    for declared in ledger(subject, observations).unused:
        got = "every path is the same, or does not exist"
        yield _about_declaration(
            "EP204", boot_groups(subject, observations)[0], declared, "a difference that it covers", got
        )


def _expired(subject: Subject, observations: Sequence[Observation]) -> Iterator[Finding]:
    for declared, paths in ledger(subject, observations).expired:
        expected = f"no difference there after {declared.declaration.expires}"
        got = f"{len(paths)} path{'s' if len(paths) != 1 else ''} that it would have covered"
        yield _about_declaration("EP205", boot_groups(subject, observations)[0], declared, expected, got, paths=paths)


def _about_declaration(
    code: str,
    cases: Sequence[Observation],
    declared: Declared,
    expected: str,
    got: str,
    *,
    paths: Sequence[str] = (),
) -> Finding:
    return Finding(
        code=code,
        title="",
        where=f"{declared.environment}: {declared.declaration.path}",
        expected=expected,
        got=got,
        environments=(declared.environment,),
        cases=tuple(one.case.id for one in cases),
        evidence=(f"declared because: {declared.declaration.reason}", *paths[:_SHOWN]),
    )


_DECLARE = "declare the path under [[differences]] of the environment that differs, with a reason"

RULES: tuple[Rule, ...] = (
    parity(
        "EP201",
        "startup report differs",
        means="""
            The startup reports of two environments, normalised (no times, durations, attempts, ids, ports), differ at
            paths that neither environment declares. One finding for each step, check or field, with all its paths.
        """,
        matters="Validation that is stricter in one environment than in another is how a defect gets past the first.",
        action=f"Make startup the same everywhere; what differs on purpose is a setting with a name, or {_DECLARE}.",
        example="report.checks.postgres:tls: critical: local false, staging true",
        check=_report_differs,
    ),
    parity(
        "EP202",
        "startup verdict differs",
        means="The same boot passes its startup in one environment and fails it in another.",
        matters="""
            The failure is in what differs between the two: a setting, a platform limit, a dependency, or code that asks
            for the environment's name. Other differences of the reports follow from it, and are not reported.
        """,
        action="Compare the settings of the two environments, beginning with those that the failing component reads.",
        example="expected passes, as in local; got fails: auth_service",
        check=_verdict_differs,
    ),
    parity(
        "EP203",
        "setting differs",
        means="""
            A setting has another value or comes from another source in two environments, or only one of them has it,
            and neither declares that. A secret differs only in whether it is there and where it came from.
        """,
        matters="A setting that nobody knows to differ is the first suspect of every failure that nobody can explain.",
        action=f"Give both the same value, or {_DECLARE}.",
        example='WEBSOCKET_AUTH_TIMEOUT_S: as in local: value "3", got value "10"',
        check=_setting_differs,
    ),
    parity(
        "EP204",
        "exemption unused",
        means="""
            An environment declares a difference, and in a whole run that compared it with another nothing differed
            there. Runs that play a part of the scenarios, or in which something failed, do not say so.
        """,
        matters="A declaration that covers nothing will one day cover something that nobody meant.",
        action="Remove it from the environment's file, or correct its path.",
        example="staging: report.checks.redis:tls.*",
        check=_unused,
    ),
    parity(
        "EP205",
        "exemption expired",
        means="An environment declares a difference until a day that has passed, and the difference is still there.",
        matters="The difference was meant to go away. It is a finding again, beside this one.",
        action="Remove the difference, or agree on a new day and say why in the reason.",
        example="production: conversation.*.limits.*, no difference there after 2025-06-30",
        check=_expired,
    ),
)
