"""Tokens of an authorization server for what is deployed: client credentials (RFC 6749 §4.4)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote_plus

from envparity.frames.decoding import decoded_object, decoded_text
from envparity.model.deployed.credentials import CredentialUnavailable, resolve_credential
from envparity.model.deployed.tls import client_context
from envparity.model.deployment import Deployed, OAuth2

__all__ = ["AccessToken", "granted", "shown_grant"]

_ERROR: Final = re.compile(r"[a-z_]{1,40}")  # RFC 6749 §5.2
_ANSWER_S: Final = 10.0
_MOST_BYTES: Final = 256 * 1024


@dataclass(frozen=True, repr=False)
class AccessToken:
    """An access token, and for how many seconds it is good (None: it was not said)."""

    token: str
    expires_in_s: float | None


async def granted(asked: OAuth2, deployed: Deployed, environ: Mapping[str, str] | None = None) -> AccessToken:
    """Ask the token endpoint for a token of that client. Raises `CredentialUnavailable`, which quotes no secret."""
    import httpx

    secret = await resolve_credential(asked.client_secret, environ)
    form = {"grant_type": "client_credentials", "scope": asked.scope, "audience": asked.audience}
    what = shown_grant(asked)
    try:
        tls = client_context(deployed.ca, deployed.client_certificate, deployed.client_key, besides=True)
        async with (
            asyncio.timeout(_ANSWER_S),
            httpx.AsyncClient(verify=tls, timeout=_ANSWER_S, trust_env=False) as client,
            client.stream(
                "POST",
                asked.token_url,
                data={name: value for name, value in form.items() if value},
                # RFC 6749 §2.3.1: both are encoded as in a form before they are put together.
                auth=(quote_plus(asked.client_id), quote_plus(secret)),
                headers={"Accept": "application/json"},
            ) as response,
        ):
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    raise CredentialUnavailable(f"{what}: an answer of more than {_MOST_BYTES} bytes")
        return _read(what, response.status_code, decoded_text(body, response.charset_encoding))
    except TimeoutError:
        raise CredentialUnavailable(f"{what}: no answer within {_ANSWER_S:g} s") from None
    except httpx.HTTPError as error:
        raise CredentialUnavailable(f"{what}: {type(error).__name__}") from None
    except OSError as error:
        raise CredentialUnavailable(f"{what}: {error.strerror or type(error).__name__}") from None


def _read(what: str, status: int, text: str) -> AccessToken:
    answer = decoded_object(text) or {}
    token, lasting, error = (answer.get(name) for name in ("access_token", "expires_in", "error"))
    if status != HTTPStatus.OK:
        said = f", {error}" if isinstance(error, str) and _ERROR.fullmatch(error) else ""
        raise CredentialUnavailable(f"{what}: it answers {status}{said}")
    if not isinstance(token, str) or not token.strip():
        raise CredentialUnavailable(f"{what}: its answer has no access_token")
    return AccessToken(token, float(lasting) if isinstance(lasting, int | float) and lasting > 0 else None)


def shown_grant(asked: OAuth2) -> str:
    """Where the token comes from, in words."""
    return f"the token endpoint {asked.token_url}"
