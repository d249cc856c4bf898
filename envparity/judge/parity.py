"""EP201–206, EP407: what environments have in common of startups, settings and answers, and what was declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envparity.judge.compare import Compared, Declared
from envparity.judge.evidence import DeclaredBecause, ObservedDifference, StartupFailed
from envparity.judge.finding import Breach
from envparity.judge.names import unlike_names
from envparity.judge.rules import Conduct, Rule, parity
from envparity.judge.startup_facts import failures_of, in_which_way
from envparity.judge.view import RunView
from envparity.observe.record import Observation

__all__ = ["RULES"]

_SHOWN = 12  # paths of one finding that are quoted


def _report_differs(view: RunView) -> Iterator[Breach]:
    told = unlike_names(view)
    yield from _grouped(each for each in view.report_differences if each.difference.path not in told)


def _setting_differs(view: RunView) -> Iterator[Breach]:
    yield from _grouped(view.setting_differences)


def _job_differs(view: RunView) -> Iterator[Breach]:
    yield from _grouped(view.job_differences)


def _origin_differs(view: RunView) -> Iterator[Breach]:
    yield from _grouped(view.origin_differences)


def _grouped(differences: Iterable[Compared]) -> Iterator[Breach]:
    """One breach for each top group of undeclared paths and each pair of cases."""
    groups: dict[tuple[str, tuple[str, str]], dict[str, ObservedDifference]] = {}
    for difference in differences:
        if not difference.declared:
            groups.setdefault((difference.where, difference.cases), {})[difference.difference.path] = (
                difference.difference
            )
    for (where, cases), group in groups.items():
        paths = list(group.values())
        # a value says more than where it came from
        first = next((path for path in paths if path.path.endswith(".value")), paths[0])
        leaf = first.path.removeprefix(where).removeprefix(".")
        more = f", and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield Breach(
            where=where,
            expected=f"as in {first.baseline}: {leaf} {first.expected}".replace(":  ", ": "),
            got=f"{leaf} {first.got}{more}".strip(),
            environments=(first.other,),
            cases=cases,
            paths=(first.path, *(path.path for path in paths if path is not first)),
            evidence=tuple(paths[:_SHOWN]),
        )


def _verdict_differs(view: RunView) -> Iterator[Breach]:
    for group in view.groups:
        failed = [observation for observation in group if failures_of(observation)]
        passed = [observation for observation in group if observation not in failed and _passed(observation)]
        if not failed or not passed or group[0].case.boot.down:
            continue  # without a dependency it is passing that is wrong, and another rule says so
        reasons = {observation.case.environment: failures_of(observation) for observation in failed}
        ways = {f"{why.component} {in_which_way(why)}" for some in reasons.values() for why in some}
        components = dict.fromkeys(why.component for some in reasons.values() for why in some)
        yield Breach(
            where="startup" if failed[0].case.boot.steady else f"startup, {failed[0].case.boot.label}",
            expected=f"passes, as in {', '.join(observation.case.environment for observation in passed)}",
            got="fails: " + ", ".join(components),
            nature=", ".join(sorted(ways)),
            environments=tuple(observation.case.environment for observation in failed),
            cases=tuple(observation.case.id for observation in (*passed, *failed)),
            evidence=tuple(
                StartupFailed(why.description, why.code, why.component, environment=name)
                for name, some in reasons.items()
                for why in some
            ),
        )


def _passed(observation: Observation) -> bool:
    reports = [replica.startup for replica in observation.replicas]
    return bool(reports) and all(report is not None and report.status == "pass" for report in reports)


def _unused(view: RunView) -> Iterator[Breach]:
    for declared in view.ledger.unused:
        got = "every path is the same, or does not exist"
        yield _about_declaration(view, declared, "a difference that it covers", got)


def _expired(view: RunView) -> Iterator[Breach]:
    for declared, paths in view.ledger.expired:
        expected = f"no difference there after {declared.declaration.expires}"
        got = f"{len(paths)} path{'s' if len(paths) != 1 else ''} that it would have covered"
        yield _about_declaration(view, declared, expected, got, paths=paths)


def _about_declaration(
    view: RunView, declared: Declared, expected: str, got: str, *, paths: Sequence[str] = ()
) -> Breach:
    return Breach(
        where=f"{declared.environment}: {declared.declaration.path}",
        expected=expected,
        got=got,
        environments=(declared.environment,),
        cases=tuple(group.case.id for group in view.groups[0]),
        evidence=(DeclaredBecause(declared.declaration.reason, tuple(paths[:_SHOWN])),),
    )


_DECLARE = "declare the path under [[differences]] of the environment that differs, with a reason"

RULES: tuple[Rule, ...] = (
    parity(
        "EP201",
        "startup report differs",
        Conduct("report", causes="hybrids", parts="startup", of_fields=True),
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
        Conduct("report", causes="hybrids", of_verdicts=True, parts="startup"),
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
        Conduct("settings", apart=True),
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
        Conduct("declarations", replay="run"),
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
        Conduct("declarations", replay="run"),
        means="An environment declares a difference until a day that has passed, and the difference is still there.",
        matters="The difference was meant to go away. It is a finding again, beside this one.",
        action="Remove the difference, or agree on a new day and say why in the reason.",
        example="production: conversation.*.limits.*, no difference there after 2025-06-30",
        check=_expired,
    ),
    parity(
        "EP206",
        "job or process differs",
        Conduct("report", causes="hybrids"),
        means="""
            Of two environments one runs a job that the other does not run, or a job that ended well in both has written
            something else: normalised (no numbers, moments, ids), its log differs, and neither environment declares it.
            How long it took is not compared. Or one runs a further program beside its replicas that the other does not.
        """,
        matters="What a migration does in one environment only is what the other one lacks.",
        action=f"Run the same jobs everywhere, or {_DECLARE}.",
        example='jobs.migrate: as in local: log ["applied <n>"], got log ["nothing to do"]',
        check=_job_differs,
    ),
    parity(
        "EP407",
        "a browser is told otherwise",
        Conduct("report", causes="hybrids", also="origins"),
        means="""
            Health, or a path that does not exist, was asked as a browser asks it: without an Origin, with the
            endpoint's own, with that of another site, and by the preflight that comes before (Fetch, CORS). Status,
            headers or body differ in two environments, and neither declares it.
        """,
        matters="""
            A page reads nothing of an answer without the header for its origin: a status page, a client that looks
            before it connects, an error of which nobody sees the text.
        """,
        action=f"Send the same headers everywhere, errors included, and take origins from a setting; or {_DECLARE}.",
        example="OPTIONS:/health/ready: as in local: other_origin.status 200, got other_origin.status 405",
        check=_origin_differs,
    ),
)
