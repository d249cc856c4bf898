"""A stack with an identity provider, and what is asked of it from outside: the same for every launcher."""

from __future__ import annotations

from pathlib import Path

import httpx
import jwt
import pytest
from jwt import PyJWKSet

from envparity.auth.jwt_key_pair import KeyPairJwt
from envparity.auth.scheme import Request
from envparity.errors import LaunchError
from envparity.launch.local.stack import LocalStack
from envparity.model.backend import Backend, Carrier, HealthPaths, ImageSource, ProcessSource, Tokens
from envparity.model.environment import Dependency, Environment, FromSource
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, Rotate

__all__ = ["SLEEPING", "WITH_PROVIDER", "serves_its_clients"]

SLEEPS = ("sh", "-c", "exec sleep 100")
SCHEME = KeyPairJwt(algorithm="ES256", audience_setting="AUDIENCE", provider="idp")
SLEEPING = Backend(
    "clock",
    Path("backend.toml"),
    ImageSource(name="x"),
    process=ProcessSource(SLEEPS, Path("/")),
    command=SLEEPS,
    health=HealthPaths(None, None, None, None),
    tokens=Tokens(SCHEME, (Carrier("query", query="t"),)),
    scenarios=(Scenario("rotated", disruptive=True, steps=(Connect("valid"), Rotate("idp"), Rotate("idp"))),),
)
OPTIONS = {"client_id": "clock", "audience": "them", "lifetime_s": 60}
WITH_PROVIDER = Environment(
    "desk",
    settings={
        "JWKS": FromSource("idp.jwks_url"),
        "TOKENS": FromSource("idp.token_url"),
        "CLIENT": FromSource("idp.client_id"),
        "SECRET": FromSource("idp.client_secret"),
        "AUDIENCE": "us",
    },
    dependencies={"idp": Dependency("identity-provider", password=False, options=OPTIONS)},
)


async def serves_its_clients(stack: LocalStack) -> None:
    """Discovery, keys and tokens, each as an OpenID provider has it; rotation, an outage, a restart."""
    at = f"http://{stack.given.place.proxy_host}:{stack.dependencies['idp'].proxy.port}"
    own = stack.settings
    assert own["JWKS"].endswith("/jwks.json")
    async with httpx.AsyncClient(timeout=5) as client:

        async def published() -> PyJWKSet:
            return PyJWKSet.from_dict((await client.get(f"{at}/jwks.json")).json())

        def signed(generation: int) -> str:
            return SCHEME.make("valid", Request(own, "u1", "j1", 1_800_000_000, generation))

        def known(token: str, keys: PyJWKSet) -> bool:
            return jwt.get_unverified_header(token)["kid"] in {key.key_id for key in keys.keys}

        found = (await client.get(f"{at}/.well-known/openid-configuration")).json()
        assert (found["issuer"], found["jwks_uri"]) == (at, f"{at}/jwks.json")
        assert found["id_token_signing_alg_values_supported"] == ["ES256"]
        keys = await published()
        (key,) = keys.keys
        claims = jwt.decode(
            signed(0), key, ["ES256"], audience="us", issuer=own["JWKS"].removesuffix("/jwks.json"),
            options={"verify_exp": False, "verify_iat": False},
        )  # fmt: skip
        assert claims["sub"] == "u1"

        asked = {"grant_type": "client_credentials"}
        given = await client.post(found["token_endpoint"], data=asked, auth=(own["CLIENT"], own["SECRET"]))
        token = given.json()["access_token"]
        assert jwt.decode(token, key, ["ES256"], audience="them", issuer=at)["sub"] == "clock"
        form = {**asked, "client_id": own["CLIENT"], "client_secret": own["SECRET"]}
        assert (await client.post(found["token_endpoint"], data=form)).status_code == 200
        for wrong, status in (
            ({**form, "client_secret": "guessed"}, 401),
            ({**form, "grant_type": "password"}, 400),
            ({"grant_type": "client_credentials"}, 401),
        ):
            assert (await client.post(found["token_endpoint"], data=wrong)).status_code == status
        assert (await client.post(f"{at}/-/rotate", json={})).status_code == 403

        await stack.command_dependency("idp", ("rotate", "1", "1"))
        assert [known(signed(generation), await published()) for generation in (0, 1, 2)] == [False, True, False]
        await stack.restart_dependency("idp")
        await stack.command_dependency("idp", ("rotate", "2", "1"))
        assert [known(signed(generation), await published()) for generation in (0, 1, 2)] == [False, True, True]
        with pytest.raises(LaunchError, match="no keys 3 to 3"):
            await stack.command_dependency("idp", ("rotate", "3", "3"))
        with pytest.raises(LaunchError, match="rotate GENERATION FIRST"):
            await stack.command_dependency("idp", ("drop",))

        await stack.cut_dependency("idp")
        with pytest.raises(httpx.TransportError):
            await published()
        await stack.restore_dependency("idp")
        assert len((await published()).keys) == 2
    log = await stack.infrastructure_logs()
    assert any("GET /jwks.json" in line for line in log["idp"])
    assert not any(own["SECRET"] in line for line in log["idp"])
