"""EP112: a backend that starts with a dependency whose certificate is for another host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from envparity.judge.evidence import Note
from envparity.judge.finding import Breach
from envparity.judge.rules import Conduct, Rule, contract
from envparity.judge.startup_checks import needed_at_start
from envparity.judge.startup_facts import ended, says_started, startup_failures
from envparity.judge.view import RunView
from envparity.judge.volatile import words_alone
from envparity.observe.certificate import PresentedCertificate
from envparity.observe.record import Observation, Replica

__all__ = ["RULES"]

_OF_CERTIFICATES: Final = re.compile(r"certificate|x509|\bcert_", re.IGNORECASE)


def _accepted(view: RunView, observation: Observation) -> Iterator[Breach]:
    """Startup passed although that server is not who was asked for, and nothing says that it was refused."""
    environment = view.project.environments.get(observation.case.environment)
    for presented in observation.presented:
        name = presented.dependency
        declared = environment.dependencies.get(name) if environment is not None else None
        if declared is None or declared.tls != "verify-full" or not needed_at_start(view, observation, name):
            continue
        if not observation.most_connections.get(name, 1) or _starts_without(view, name):
            continue  # whoever asks for nothing when it starts is shown nothing
        usual = {words_alone(line) for line in _usual_log(view, observation)}
        for replica in observation.replicas:
            if replica in ended(observation) or not _is_up(replica) or _refused(replica, presented, usual):
                continue
            yield Breach(
                where=name,
                expected=f"startup fails while {name} presents a certificate for another host",
                got=" and ".join(says_started(replica)),
                component=name,
                nature="accepted",
                evidence=(Note(f"its certificate is for {presented.name}; {presented.asked} was asked for"),),
            )
            break


def _is_up(replica: Replica) -> bool:
    """Whether all that it says of itself is that it has started."""
    asked = [said for said in (replica.startup, replica.ready) if said is not None]
    return bool(asked) and len(says_started(replica)) == len(asked) and not startup_failures(replica)


def _starts_without(view: RunView, name: str) -> bool:
    """Whether another boot, in which that dependency was down, has started: then that it starts says nothing."""
    return any(
        name in other.case.boot.down and any(_is_up(replica) for replica in other.replicas)
        for other in view.observations
    )


def _refused(replica: Replica, presented: PresentedCertificate, usual: set[str]) -> bool:
    """Whether its report or its log says that this dependency is not well: it goes on without it."""
    report = replica.startup
    steps = report.steps if report is not None else ()
    checks = report.checks if report is not None else ()
    return (
        any(step.name == presented.dependency and step.outcome != "passed" for step in steps)
        or any(check.component == presented.dependency and check.status in {"fail", "warn"} for check in checks)
        or any(
            presented.name in line or (_OF_CERTIFICATES.search(line) and words_alone(line) not in usual)
            for line in replica.log
        )
    )


def _usual_log(view: RunView, observation: Observation) -> Iterator[str]:
    """What the replicas of that environment log where it is booted as it is."""
    for other in view.observations:
        if other.case.environment == observation.case.environment and other.case.boot.steady:
            for replica in other.replicas:
                yield from replica.log


RULES: tuple[Rule, ...] = (
    contract(
        "EP112",
        "a certificate for another host is accepted",
        Conduct("startup", causes="hybrids"),
        means="""
            The environment says tls = "verify-full" of a dependency. In a boot of a thorough run its server presented
            a certificate of the authority that the backend trusts, for another host, and the backend started as if
            nothing were. One that starts without the dependency as well, asks it for nothing when it starts, or says in
            its report or its log that it was refused, does not count.
        """,
        matters="""
            Whoever has any certificate of that authority can stand between the backend and its data, read the password
            and answer in its place, and nobody notices. Mostly the check was switched off because of a warning.
        """,
        action="""
            Have the client check the certificate and the name (sslmode=verify-full, check_hostname,
            ssl_cert_reqs=required), and give it the authority's certificate in place of switching that off.
        """,
        example="""
            postgres: startup says pass and /health/ready answers 200.
            its certificate is for another-host.invalid; postgres was asked for
        """,
        check=_accepted,
    ),
)
