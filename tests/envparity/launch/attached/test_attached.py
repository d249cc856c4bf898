"""An environment that is observed where it runs: what is seen, what is left out, and that nobody is hurt."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path

import jwt
import msgspec
import pytest

from envparity.engine.events import Event
from envparity.engine.run import Run
from envparity.errors import LaunchError
from envparity.judge.finding import Verdict
from envparity.launch import certificates
from envparity.launch.attached.launcher import AttachedLauncher
from envparity.launch.attached.pace import MOST_BYTES
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.controls import (
    BootsWarm,
    DependencyControls,
    NetworkControls,
    ReplicaControls,
)
from envparity.model.case import Boot
from envparity.model.deployed.credentials import CredentialUnavailable
from envparity.model.deployment import Credential
from envparity.model.scenario import Scenario
from envparity.model.step import Close, Command, Connect, Expect, Http, Send
from envparity.report.wording import evidence_lines
from tests.envparity.launch.attached.deployed import (
    BACKEND,
    KEY,
    TALK,
    WELCOME,
    FakeDeployed,
    authority_file,
    server_context,
    told,
    verdict_on,
)


async def test_what_only_talks_is_played_and_the_rest_is_left_out_by_name() -> None:
    """One case, no boot; the verdict says where it was observed, what was not played and why, what cannot be known."""
    async with FakeDeployed().running() as deployed:
        verdict = await verdict_on(deployed.project())
    assert told(verdict) == []
    assert (verdict.launcher, verdict.cases, verdict.scenarios) == ("attached", 1, 2)
    assert verdict.attached == {"staging": f"ws://localhost:{deployed.port}/ws"}
    assert [(left_out.environment, left_out.scenario, left_out.needs) for left_out in verdict.left_out] == [
        ("staging", "cut_off", "redis to be cut off")
    ]
    assert "settings, which are unknown" in verdict.cannot_check[0]


async def test_conversations_are_held_one_after_the_other() -> None:
    """However many scenarios there are, and however fast connections may follow one another."""
    many = tuple(Scenario(f"talk-{number}", steps=TALK) for number in range(6))
    backend = msgspec.structs.replace(BACKEND, scenarios=many)
    async with FakeDeployed().running() as deployed:
        await verdict_on(replace(deployed.project(max_connections_per_minute=10**9), backend=backend))
    assert (deployed.conversations, deployed.most_at_once) == (6, 1)


async def test_steps_over_http_are_played_and_commands_are_not() -> None:
    """A request is only talk; what a dependency is told is not."""
    asks = Scenario("asks", steps=(Http("GET /note", fields={"kept": True}), *TALK))
    tells = Scenario("tells", steps=(Command({"redis": ("PING",)}), *TALK))
    fake = FakeDeployed()
    fake.health["/note"] = (200, {"kept": True})
    async with fake.running() as deployed:
        project = replace(deployed.project(), backend=msgspec.structs.replace(BACKEND, scenarios=(asks, tells)))
        verdict = await verdict_on(project)
    assert told(verdict) == []
    assert (verdict.scenarios, {left_out.scenario: left_out.needs for left_out in verdict.left_out}) == (
        1,
        {"tells": "a command to redis"},
    )
    assert "/note" in deployed.requests


async def test_no_credential_is_recorded() -> None:
    """Neither the key nor a token made with it, in any event of the run."""
    events: list[Event] = []
    fake = FakeDeployed()
    fake.health["/health/ready"] = (200, {"note": f"signed with {KEY}"})
    async with fake.running() as deployed:
        await verdict_on(deployed.project(), events)
    written = b"\n".join(map(msgspec.json.encode, events)).decode()
    assert deployed.tokens != []
    assert [secret for secret in (KEY, *deployed.tokens) if secret in written] == []
    assert "signed with {setting:" in written


async def test_a_command_gives_the_credential() -> None:
    """What it prints, without the newline."""
    command = Credential(command=(sys.executable, "-c", f"print({KEY!r})"))
    async with FakeDeployed().running() as deployed:
        verdict = await verdict_on(deployed.project(secret=command))
    assert told(verdict) == []


async def test_a_command_that_fails_ends_the_run_and_is_named() -> None:
    """Nothing was sent, and there is no verdict."""
    command = Credential(command=(sys.executable, "-c", "raise SystemExit(3)"))
    async with FakeDeployed().running() as deployed:
        with pytest.raises(CredentialUnavailable, match="ended with status 3"):
            await verdict_on(deployed.project(secret=command))
    assert deployed.requests == []


async def test_with_a_token_alone_what_needs_another_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the conversation is held as the user whom it names."""
    far = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    claims = {"iss": "issuer", "aud": "audience", "sub": "user-7", "exp": far}
    monkeypatch.setenv("STAGING_TOKEN", jwt.encode(claims, KEY, algorithm="HS256"))
    async with FakeDeployed().running() as deployed:
        verdict = await verdict_on(deployed.project(token=Credential(variable="STAGING_TOKEN")))
    assert told(verdict) == []
    assert verdict.scenarios == 1
    assert {left_out.scenario: left_out.needs for left_out in verdict.left_out} == {
        "expired": "a token of the kind expired (only a token is given)",
        "cut_off": "redis to be cut off",
    }


async def test_a_token_that_names_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent: the scenarios ask for their user by name."""
    monkeypatch.setenv("STAGING_TOKEN", "opaque")
    async with FakeDeployed().running() as deployed:
        with pytest.raises(CredentialUnavailable, match="STAGING_TOKEN names no user"):
            await verdict_on(deployed.project(token=Credential(variable="STAGING_TOKEN")))
    assert deployed.requests == []


async def test_its_certificate_is_checked_and_told(tmp_path: Path) -> None:
    """For whom it is, by whom, until when; in the observation, and never compared."""
    authority = CertificateAuthority("an authority")
    tls = server_context(authority.issue(["localhost", "api.example"]), tmp_path)
    async with FakeDeployed().running(tls) as deployed:
        project = deployed.project(tls=True, ca=authority_file(authority, tmp_path))
        run = Run(project, AttachedLauncher(project), lambda _event: None)
        (seen,) = await run.observe_all()
        verdict = await run.verdict()
    assert told(verdict) == []
    assert seen.attached is not None
    assert "TLSv1.3, certificate for localhost, api.example, issued by an authority" in seen.attached.certificate
    assert "release 1.4.2" in seen.attached.notes


async def refused(tls_names: list[str], folder: Path, *, trusted: bool) -> tuple[Verdict, FakeDeployed]:
    authority, other = CertificateAuthority("an authority"), CertificateAuthority("another")
    tls = server_context(authority.issue(tls_names), folder)
    async with FakeDeployed().running(tls) as deployed:
        ca = authority_file(authority if trusted else other, folder)
        return await verdict_on(deployed.project(tls=True, ca=ca)), deployed


async def test_an_expired_certificate_is_a_finding_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what the certificate is; and nothing is sent to whoever shows it."""
    authority = CertificateAuthority("an authority")
    ca = authority_file(authority, tmp_path)
    monkeypatch.setattr(certificates, "_VALID", dt.timedelta(minutes=-30))
    tls = server_context(authority.issue(["localhost"]), tmp_path)
    async with FakeDeployed().running(tls) as deployed:
        verdict = await verdict_on(deployed.project(tls=True, ca=ca))
    assert told(verdict) == [("EP903", "the certificate is not accepted: certificate has expired")]
    assert "certificate for localhost, issued by an authority" in evidence_lines(verdict.findings[0])[0]
    assert deployed.requests == []


async def test_a_certificate_for_another_host_is_a_finding_that_says_so(tmp_path: Path) -> None:
    """OpenSSL's own words, and the names that it is for."""
    verdict, deployed = await refused(["elsewhere.example"], tmp_path, trusted=True)
    ((code, got),) = told(verdict)
    assert code == "EP903"
    assert "not valid for 'localhost'" in got
    assert "certificate for elsewhere.example" in evidence_lines(verdict.findings[0])[0]
    assert deployed.requests == []


async def test_an_unknown_authority_is_a_finding_that_says_so(tmp_path: Path) -> None:
    """The system's are not asked where a bundle is named."""
    verdict, deployed = await refused(["localhost"], tmp_path, trusted=False)
    ((code, got),) = told(verdict)
    assert code == "EP903"
    assert "unable to get local issuer certificate" in got
    assert deployed.requests == []


async def test_what_is_lost_in_the_middle_is_not_played_on() -> None:
    """One finding: after how many scenarios, and how many were left. What was played before counts."""
    fake = FakeDeployed(lost_after=0)
    async with fake.running() as deployed:
        verdict = await verdict_on(deployed.project())
    ((code, got),) = told(verdict)
    assert code == "EP903"
    assert got == "lost in scenario 1: Connection refused"
    assert "scenarios that were not played any more: 1" in evidence_lines(verdict.findings[0])


async def test_health_that_is_not_shown_is_not_observed() -> None:
    """404, 403 and a page for people say nothing of the backend: no finding, and it is told what was not seen."""
    hidden = {"/health/ready": (403, "no"), "/health/startup": (200, "<html>our application</html>")}
    async with FakeDeployed(health={**hidden}).running() as deployed:
        verdict = await verdict_on(deployed.project())
    assert told(verdict) == []
    assert [line.partition(": ")[2] for line in verdict.cannot_check if line.endswith("not observed")] == [
        "/health/live answers 404: not observed",
        "/health/ready answers 403: not observed",
        "/health/startup answers 200: not observed",
    ]


@pytest.mark.parametrize("status", [403, 404])
async def test_a_refused_handshake_is_a_finding_as_it_is_elsewhere(status: int) -> None:
    """By the same rule as in a container."""
    async with FakeDeployed(refuses=status).running() as deployed:
        verdict = await verdict_on(deployed.project())
    assert {code for code, _ in told(verdict)} == {"EP302"}
    assert {str(status) in got for _, got in told(verdict)} == {True}


async def test_a_startup_that_failed_is_told_as_it_is_elsewhere() -> None:
    """By its component; and one conversation is enough to see what a client is told."""
    failure = {"code": "REDIS_TIMEOUT", "component": "redis", "description": "no answer", "action": "look"}
    fake = FakeDeployed()
    fake.health["/health/ready"] = (503, {"status": "fail"})
    fake.health["/health/startup"] = (503, {"status": "fail", "failures": [failure]})
    async with fake.running() as deployed:
        verdict = await verdict_on(deployed.project())
    assert ("EP101", "startup failed: REDIS_TIMEOUT") in told(verdict)
    assert deployed.conversations == 1


@pytest.mark.parametrize(("size", "frames"), [(MOST_BYTES, 1), (MOST_BYTES // 2, 3)])
async def test_who_sends_too_much_is_hung_up_on(size: int, frames: int) -> None:
    """In one frame, or in several: 1009 (RFC 6455 §7.4.1), and no more of it is kept."""
    steps = (Connect("valid"), WELCOME, Send({"type": "ping"}), Expect(("pong",) * 4), Close(1000))
    backend = msgspec.structs.replace(BACKEND, scenarios=(Scenario("much", steps=steps),))
    async with FakeDeployed(floods=size, frames=frames).running() as deployed:
        verdict = await verdict_on(replace(deployed.project(), backend=backend))
    ((code, got),) = told(verdict)
    assert code == "EP303"
    assert got.endswith("by the client")


async def test_nothing_can_be_done_to_it() -> None:
    """The stack has no controls, and any other boot is refused, as is any other environment of that name."""
    async with FakeDeployed().running() as deployed:
        project = deployed.project()
        launcher, staging = AttachedLauncher(project), project.environments["staging"]
        async with launcher.boot(staging, Boot(), print) as stack:
            for control in (ReplicaControls, DependencyControls, NetworkControls, BootsWarm):
                assert not isinstance(stack, control)
        other = msgspec.structs.replace(staging, settings={"A": "b"})
        for refused in (launcher.boot(staging, Boot(down=("redis",)), print), launcher.boot(other, Boot(), print)):
            with pytest.raises(LaunchError, match="looked at as it is"):
                await refused.__aenter__()
