"""Where tokens are judged: every refusal, with a real Redis for what was revoked."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netra_backend.app.cache.redis_link import RedisLink
from netra_backend.app.cache.token_revocation import TokenRevocation
from netra_backend.app.core.failures import DependencyUnavailable
from netra_backend.app.services.identity import TokenRefused
from netra_backend.app.services.unified_authentication_service import UnifiedAuthenticationService
from netra_backend.app.settings import Settings
from tests.netra_backend.running import AUDIENCE, ISSUER, SECRET, token
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def settings(redis_url: str, **key: str) -> Settings:
    """Settings with which tokens are judged."""
    held: dict[str, Any] = {
        "ENVIRONMENT": "test",
        "DATABASE_URL": "postgresql://u:p@localhost/n",
        "REDIS_URL": redis_url,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        **(key or {"JWT_SECRET": SECRET}),
    }
    return Settings(**held)


@pytest.fixture
async def redis_link(redis_url: str) -> AsyncIterator[RedisLink]:
    """A link to the session's Redis."""
    link = RedisLink(redis_url)
    yield link
    await link.close()


@pytest.fixture
def service(redis_url: str, redis_link: RedisLink) -> UnifiedAuthenticationService:
    """The service as the backend makes it."""
    return UnifiedAuthenticationService(settings(redis_url), TokenRevocation(redis_link))


def unsigned(**header: str) -> str:
    """A token that nobody signed."""
    parts = [{"typ": "JWT", **header}, {"sub": "user", "iss": ISSUER, "aud": AUDIENCE, "exp": 9e9, "jti": "j"}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


@pytest.mark.parametrize(
    "sub", ["42", 42, "6f1c2a34-8c1e-4ac4-9a5e-0d5a64a0ee55", "google-oauth2|1", "name with space"]
)
async def test_a_good_token_says_who(service: UnifiedAuthenticationService, sub: object) -> None:
    """The user id is whatever the identity provider says."""
    assert (await service.judge(token(sub))).user_id == str(sub)


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        ("", "token_malformed"),
        ("a.b.c", "token_malformed"),
        ("ünïcode", "token_malformed"),
        (base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".e30.e30", "token_malformed"),
        (token(exp=int(time.time()) - 1), "token_expired"),
        (token(exp=None), "token_malformed"),
        (token(exp="soon"), "token_malformed"),
        (token(nbf=int(time.time()) + 86_400), "token_malformed"),
        (token(iat=int(time.time()) + 86_400), "token_malformed"),
        (token(key="y" * 40), "token_signature"),
        (unsigned(alg="none"), "token_signature"),
        (unsigned(alg="HS512"), "token_signature"),
        (jwt.encode({"sub": "user"}, "z" * 64, "HS512"), "token_signature"),
        (token(iss="https://elsewhere.example"), "token_issuer"),
        (token(iss=None), "token_issuer"),
        (token(aud="elsewhere"), "token_audience"),
        (token(aud=None), "token_audience"),
        (token(aud=["elsewhere", "nowhere"]), "token_audience"),
        (token(sub=None), "token_malformed"),
        (token(""), "token_malformed"),
        (token(user_id=True), "token_malformed"),
        (token("a\x00b"), "token_malformed"),
        (token("x" * 256), "token_malformed"),
        (token(jti=None), "token_malformed"),
        (token(jti=["a"]), "token_malformed"),
    ],
)
async def test_a_bad_token_is_refused(service: UnifiedAuthenticationService, refused: str, code: str) -> None:
    """Each kind of bad token has its own code."""
    with pytest.raises(TokenRefused) as said:
        await service.judge(refused)
    assert said.value.code == code
    assert not refused or refused not in said.value.message


async def test_a_revoked_token_is_refused(service: UnifiedAuthenticationService, redis_link: RedisLink) -> None:
    """Good in every way, and taken back."""
    jti = uuid.uuid4().hex
    await service.judge(token(jti=jti))
    await redis_link.client.set(f"netra:revoked:{jti}", "1", ex=60)
    with pytest.raises(TokenRefused) as said:
        await service.judge(token(jti=jti))
    assert said.value.code == "token_revoked"


async def test_not_knowing_whether_it_was_revoked_is_not_a_no(redis_url: str) -> None:
    """Without Redis no token is accepted, and the reason is Redis."""
    link = RedisLink(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(DependencyUnavailable):
        await UnifiedAuthenticationService(settings(redis_url), TokenRevocation(link)).judge(token())
    await link.close()


async def test_a_public_key_judges_its_own_algorithm_only(redis_url: str, redis_link: RedisLink) -> None:
    """ES256 is accepted with a P-256 key; HS256 signed with the public key's text is not (CVE-2015-9235)."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    judging = UnifiedAuthenticationService(settings(redis_url, JWT_PUBLIC_KEY=pem), TokenRevocation(redis_link))
    claims = {"sub": "user", "jti": "j", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60}
    assert (await judging.judge(jwt.encode(claims, key, "ES256"))).user_id == "user"
    with pytest.raises(TokenRefused) as said:
        await judging.judge(token())
    assert said.value.code == "token_signature"


@pytest.mark.parametrize("claim", ["iat", "nbf"])
async def test_a_clock_that_is_a_little_ahead_is_no_reason_to_refuse(
    service: UnifiedAuthenticationService, claim: str
) -> None:
    """Of whoever issues tokens, by 4 s; by a minute it is, and what is no number is unreadable."""
    now = time.time()
    assert (await service.judge(token("anna", **{claim: now + 4}))).user_id == "anna"
    for moment in (now + 60, "tomorrow"):
        with pytest.raises(TokenRefused) as caught:
            await service.judge(token("anna", **{claim: moment}))
        assert caught.value.code == "token_malformed"
