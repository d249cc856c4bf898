"""Client credentials: what a token endpoint is asked, what it gives, and what is said where it gives nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest

from envparity.launch.certificates import CertificateAuthority
from envparity.model.deployed.credentials import CredentialUnavailable
from envparity.model.deployed.identity import Credentials, shown_source
from envparity.model.deployed.oauth2 import granted
from envparity.model.deployment import Credential, Deployed, OAuth2
from envparity.model.environment import Environment
from tests.envparity.auth.test_jwt_shared_key import SCHEME
from tests.envparity.launch.attached.deployed import authority_file, server_context
from tests.envparity.model.deployed.client_certificate import asks_for, client_files
from tests.envparity.model.deployed.token_endpoint import TokenEndpoint

pytestmark = pytest.mark.asyncio

SECRET = "s3cret/of the:probe"
GIVEN = {"access_token": "opaque-token", "token_type": "Bearer", "expires_in": 100}
ENVIRON = {"S": SECRET}


def at(url: str, **keys: Any) -> Deployed:
    oauth2 = OAuth2(url, "the probe", Credential(variable="S"), scope="chat", audience="them")
    return Deployed("wss://a", oauth2=oauth2, **keys)


async def asked(deployed: Deployed) -> str:
    assert deployed.oauth2 is not None
    return (await granted(deployed.oauth2, deployed, ENVIRON)).token


async def test_a_client_asks_as_the_standard_has_it() -> None:
    """Who it is in the header, encoded as in a form; what for in the body."""
    async with TokenEndpoint([(200, GIVEN)]).running() as endpoint:
        assert await asked(at(endpoint.url)) == "opaque-token"
    assert endpoint.clients == ["the+probe:s3cret%2Fof+the%3Aprobe"]
    assert endpoint.forms == [{"grant_type": "client_credentials", "scope": "chat", "audience": "them"}]


async def test_a_token_is_asked_for_again_before_it_is_over() -> None:
    """By what the endpoint says of it; the claim sub says whom it names, or the environment's file."""
    now, second = [1_000_000.0], jwt.encode({"sub": "machine-7"}, "k" * 32)
    async with TokenEndpoint([(200, GIVEN), (200, {"access_token": second})]).running() as endpoint:
        environment = Environment("staging", deployed=at(endpoint.url))
        credentials = Credentials(environment, SCHEME, ENVIRON, lambda: now[0])
        for later, token, user in ((0, "opaque-token", ""), (69, "opaque-token", ""), (71, second, "machine-7")):
            now[0] = 1_000_000.0 + later
            held = await credentials.get()
            assert (held.key, held.token, held.user) == ("", token, user)
        assert len(endpoint.forms) == 2
        assert shown_source(at(endpoint.url)) == f"the token endpoint {endpoint.url}"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((401, {"error": "invalid_client", "error_description": SECRET}), "it answers 401, invalid_client"),
        ((400, {"error": SECRET}), "it answers 400"),
        ((500, SECRET), "it answers 500"),
        ((302, ""), "it answers 302"),
        ((200, {"token": SECRET}), "its answer has no access_token"),
        ((200, {"access_token": " "}), "its answer has no access_token"),
        ((200, SECRET), "its answer has no access_token"),
        ((200, "x" * 300_000), "an answer of more than"),
    ],
)
async def test_what_gives_no_token_is_said_without_what_came(answer: tuple[int, Any], words: str) -> None:
    """It may hold the secret."""
    async with TokenEndpoint([answer]).running() as endpoint:
        with pytest.raises(CredentialUnavailable) as raised:
            await asked(at(endpoint.url))
    assert str(raised.value).startswith(f"the token endpoint {endpoint.url}: {words}")
    assert "s3cret" not in str(raised.value)


async def test_who_does_not_answer_is_named() -> None:
    """And a variable that is not there, before anybody is asked."""
    async with TokenEndpoint([(200, GIVEN)]).running() as endpoint:
        deployed = at(endpoint.url)
        assert deployed.oauth2 is not None
        with pytest.raises(CredentialUnavailable, match="the environment variable S is not set"):
            await granted(deployed.oauth2, deployed, {})
        assert endpoint.forms == []
    with pytest.raises(CredentialUnavailable, match="ConnectError"):
        await asked(at(endpoint.url))


async def test_it_may_ask_for_the_certificate_of_its_client(tmp_path: Path) -> None:
    """By TLS, which is checked against the bundle of the environment's file beside the system's authorities."""
    authority, files = CertificateAuthority(), client_files(tmp_path)
    tls = asks_for(server_context(authority.issue(["localhost"]), tmp_path), files)
    async with TokenEndpoint([(200, GIVEN)]).running(tls) as endpoint:
        ca = authority_file(authority, tmp_path)
        assert await asked(at(endpoint.url, ca=ca, **files)) == "opaque-token"
        for wrong in (at(endpoint.url, **files), at(endpoint.url, ca=ca)):
            with pytest.raises(CredentialUnavailable, match="Error"):
                await asked(wrong)
    with pytest.raises(CredentialUnavailable):
        await asked(at(endpoint.url, **(files | client_files(tmp_path, b"passphrase"))))
