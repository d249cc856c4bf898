"""EP112: a dependency that presents a certificate for another host."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from msgspec.structs import replace

from envparity.judge.finding import Finding
from envparity.model.backend import Backend
from envparity.model.case import Boot
from envparity.model.environment import Dependency, Environment
from envparity.observe.certificate import PresentedCertificate
from envparity.observe.record import HttpAnswer, JobRun, Observation, ProcessRun, Replica
from envparity.report.wording import evidence_lines
from tests.envparity.judge.builders import BACKEND, DOWN, document, failed, judged, observation, project, replica

Tls = Literal["off", "require", "verify-full"]
PRESENTED = PresentedCertificate("postgres", "another-host.invalid", "db")
REFUSED = "certificate verify failed: Hostname mismatch, certificate is not valid for 'db'"


def seen(*replicas: Replica, **changes: Any) -> Observation:
    """A boot in which postgres presented another host's certificate, and nothing was played."""
    boot = Boot(other_host=("postgres",))
    usual = {"transcripts": (), "presented": (PRESENTED,), "most_connections": {"postgres": 2}}
    return observation("local", *replicas, boot=boot, **(usual | changes))


def findings(
    *observations: Observation, tls: Tls = "verify-full", kind: str = "postgres", backend: Backend = BACKEND
) -> tuple[Finding, ...]:
    """What is found where that is how it was asked for, in an environment or in two."""
    local = Environment("local", dependencies={"postgres": Dependency(kind, tls=tls)})
    names = {observation.case.environment for observation in observations} - {"local"}
    known = project(local, *(replace(local, name=name) for name in names), backend=backend)
    return judged(*observations, of=known).findings


def codes(*observations: Observation, **how: Any) -> list[str]:
    return [finding.code for finding in findings(*observations, **how)]


def test_a_backend_that_starts_as_if_nothing_were_is_found_once_with_both_names() -> None:
    """However many replicas do."""
    (found,) = findings(seen(replica(), replica(index=1)))
    assert (found.code, found.where, found.component) == ("EP112", "postgres", "postgres")
    assert found.environments == ("local",)
    assert found.got == "startup says pass and /health/ready answers 200"
    assert "its certificate is for another-host.invalid; db was asked for" in "\n".join(evidence_lines(found))
    assert "check_hostname" in found.action


def test_one_of_two_replicas_is_enough() -> None:
    """They run the same program, and it is let in by chance alone."""
    assert codes(seen(replica(failed()), replica(index=1))) == ["EP112"]


UNREADY = HttpAnswer("/health/ready", 503)
WAITS = replica(document(status="starting"), ready=UNREADY, undecided_after_s=30.0)


@pytest.mark.parametrize(
    "refuses",
    [
        replica(failed({"code": "TLS", "component": "database", "description": REFUSED})),
        replica(failed(), exit_code=1, live=None, ready=None),
        replica(exit_code=1, live=None, ready=None, startup=None, log=("panic: x509: certificate is valid for",)),
        WAITS,
        replica(ready=UNREADY),
    ],
    ids=["fails", "fails and exits", "exits", "waits", "is not ready"],
)
def test_a_backend_that_refuses_it_in_whatever_way_is_clean(refuses: Replica) -> None:
    """No convention is asked for: neither words, nor a code, nor that it stays up."""
    assert codes(seen(refuses)) == []


def test_a_backend_without_a_report_is_known_by_its_readiness() -> None:
    """One that shows neither shows nothing."""
    plain = replace(BACKEND, health=replace(BACKEND.health, startup=None))
    assert codes(seen(replica(startup=None)), backend=plain) == ["EP112"]
    assert codes(seen(replica(startup=None, ready=UNREADY)), backend=plain) == []
    assert codes(seen(replica(startup=None, ready=None)), backend=plain) == []


def test_what_goes_on_without_it_and_says_so_does_not_count() -> None:
    """In its log, but for what it always logs; or in its report, as a warning."""
    assert codes(seen(replica(log=(REFUSED,)))) == []
    always = "certificate verification is switched off"
    assert codes(observation(replicas=(replica(log=(always,)),)), seen(replica(log=(always,)))) == ["EP112"]
    check = [{"component": "postgres", "critical": False, "status": "warn", "observed": "away"}]
    assert codes(seen(replica(document(checks={"postgres:ping": check})))) == []


def test_what_asks_for_nothing_or_starts_without_it_as_well_does_not_count() -> None:
    """Whoever connects later says nothing by starting; that it starts without it is another finding."""
    assert codes(seen(most_connections={"postgres": 0})) == []
    assert codes(seen(), observation(boot=DOWN, transcripts=())) == ["EP104"]
    assert codes(seen(), observation("local", replica(failed()), boot=DOWN, transcripts=())) == ["EP112"]


@pytest.mark.parametrize("tls", ["off", "require"])
def test_only_what_is_declared_is_demanded(tls: Tls) -> None:
    """So also of a kind that a backend may start without, and of a launcher that presented the usual one."""
    assert codes(seen(), tls=tls) == []
    assert codes(seen(), kind="identity-provider") == []
    assert codes(seen(presented=())) == []


def test_how_two_environments_refuse_it_is_not_compared() -> None:
    """Each client has words of its own; one that does not check is found in its environment alone."""
    known = {"code": "TLS", "component": "postgres", "description": "refused"}
    other = {"code": "DEPENDENCY_REFUSED", "component": "db", "description": REFUSED}
    staging = replace(seen(replica(failed(known))).case, environment="staging")
    there = replace(seen(replica(failed(known))), case=staging)
    assert codes(seen(replica(failed(other))), there) == []
    (found,) = findings(seen(), there)
    assert (found.code, found.environments) == ("EP112", ("local",))


def test_jobs_and_programs_beside_it_may_fail_for_the_same_reason() -> None:
    """They check as well."""
    job = JobRun("migrate", 1, 1.0, (REFUSED,))
    worker = ProcessRun("worker", 1, None, 30.0)
    assert codes(seen(replica(failed()), jobs=(job,), processes=(worker,))) == []
    assert codes(observation(jobs=(job,))) == ["EP109"]


def test_without_a_promise_to_tell_clients_the_same_is_demanded() -> None:
    """A backend that refuses nobody in a way of its own is one like any other here."""
    assert codes(seen(), backend=replace(BACKEND, startup_refusal=None)) == ["EP112"]
