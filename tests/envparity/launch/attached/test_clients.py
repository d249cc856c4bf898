"""How a client says who it is where an environment runs: by a certificate, by a token of a token endpoint."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import jwt
import pytest

from envparity.launch.certificates import CertificateAuthority
from envparity.model.deployed.target import parse_target
from envparity.model.deployment import Credential, OAuth2
from envparity.probe.probing import tls_of
from tests.envparity.launch.attached.deployed import KEY, FakeDeployed, authority_file, server_context, verdict_on
from tests.envparity.model.deployed.client_certificate import asks_for, client_files
from tests.envparity.model.deployed.token_endpoint import TokenEndpoint

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def the_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_SECRET", "the secret of the probe")


async def test_what_asks_for_a_certificate_is_shown_one(tmp_path: Path) -> None:
    """Conversations are held with it, and without it there is none."""
    authority, files = CertificateAuthority(), client_files(tmp_path)
    tls = asks_for(server_context(authority.issue(["localhost"]), tmp_path), files)
    ca = authority_file(authority, tmp_path)
    async with FakeDeployed().running(tls) as deployed:
        shown = await verdict_on(deployed.project(tls=True, ca=ca, **files))
        held = deployed.conversations
        await verdict_on(deployed.project(tls=True, ca=ca))
    assert [finding.code for finding in shown.findings] == []
    assert (held, deployed.conversations) == (2, 2)


async def test_the_probe_shows_it_too(tmp_path: Path) -> None:
    """To who asks, and is let in."""
    authority, files = CertificateAuthority(), client_files(tmp_path)
    tls = asks_for(server_context(authority.issue(["localhost"]), tmp_path), files)
    async with FakeDeployed().running(tls) as there:
        deployed = there.project(tls=True, ca=authority_file(authority, tmp_path), **files).attached["staging"]
        context = tls_of(parse_target(deployed.url), deployed)
        reader, writer = await asyncio.open_connection("localhost", there.port, ssl=context)
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_a_token_endpoint_gives_the_token() -> None:
    """It names its own user; what takes another token is left out."""
    claims = {"sub": "machine-7", "iss": "issuer", "aud": "audience", "exp": int(time.time()) + 600}
    token = jwt.encode(claims, KEY)
    async with TokenEndpoint([(200, {"access_token": token, "expires_in": 600})]).running() as endpoint:
        oauth2 = OAuth2(endpoint.url, "probe", Credential(variable="PROBE_SECRET"))
        async with FakeDeployed().running() as deployed:
            project = deployed.project(secret=None, oauth2=oauth2)
            verdict = await verdict_on(project)
    assert [finding.code for finding in verdict.findings] == []
    assert deployed.tokens == [token]
    assert "expired" in {left_out.scenario for left_out in verdict.left_out}
    assert len(endpoint.forms) == 1
