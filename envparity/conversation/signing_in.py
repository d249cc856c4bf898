"""Signing in over HTTP before a conversation, where the backend gives credentials itself."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from envparity.auth.scheme import SCHEMES
from envparity.auth.sign_in import Answered, CookieGiven, NotSignedIn, SignInRequest, SignsIn, signs_in
from envparity.conversation.cookies import Cookies
from envparity.conversation.handshake import SignedIn
from envparity.frames.decoding import decoded_text
from envparity.launch.controls import HidesSecrets
from envparity.launch.port import Stack
from envparity.model.backend import Backend
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, placeholders
from envparity.support.redaction.names import SHORTEST

__all__ = ["SignInAddress", "sign_in", "sign_in_at"]

_MOST_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class SignInAddress:
    """Where one signs in: the address, what to ask for (Host, SNI), TLS if it is spoken, what stands before paths."""

    address: tuple[str, int]
    host: str
    server_name: str
    tls: ssl.SSLContext | None
    prefix: str = ""


async def sign_in(
    scenario: Scenario, backend: Backend, settings: Mapping[str, str], door: SignInAddress, given: Iterable[str] = ()
) -> dict[str, SignedIn]:
    """The credentials that this scenario needs and the backend gives, by their kinds; nothing for other schemes.

    Those of the kinds `given` are there already. Each request may take as long as connecting; what goes wrong is in
    what is returned.
    """
    scheme = signs_in(backend.scheme)
    if scheme is None:
        return {}
    kinds = dict.fromkeys(_kinds(scenario))
    signed: dict[str, SignedIn] = {}
    for kind in kinds:
        if kind in given:
            continue
        try:
            with SCHEMES.guarding(scheme):
                asked = scheme.asking(kind, settings)
        except KeyError:
            continue  # said with all that is missing
        if asked is not None:
            signed[kind] = await _signed(scheme, kind, asked, door, backend.phases.connect_s)
    return signed


async def sign_in_at(stack: Stack, scenario: Scenario, backend: Backend) -> dict[str, SignedIn]:
    """Have the credentials that the backend gives; what it gave is a secret of that stack from then on."""
    endpoint = stack.endpoint
    given = ("valid",) if endpoint.known is not None and endpoint.known.token else ()
    door = SignInAddress(endpoint.address, endpoint.host, endpoint.server_name, endpoint.tls, endpoint.prefix)
    if endpoint.restraint is not None and signs_in(backend.scheme) is not None:
        await endpoint.restraint.before_connecting()
    signed = await sign_in(scenario, backend, stack.settings, door, given)
    if isinstance(stack, HidesSecrets):
        stack.hide((secret, f"<token:{kind}>") for kind, had in signed.items() for secret in had.secrets)
    return signed


async def _signed(signing: SignsIn, kind: str, asked: SignInRequest, door: SignInAddress, within_s: float) -> SignedIn:
    try:
        async with asyncio.timeout(2 * within_s):
            answer = await _answered(asked, door, within_s)
        with SCHEMES.guarding(signing):
            secrets = tuple(_secrets(signing, answer))
            try:
                return SignedIn(signing.given(kind, answer), secrets=secrets)
            except NotSignedIn as error:
                return SignedIn("", error.expected, error.got, secrets)
    except (TimeoutError, httpx.TimeoutException):
        return SignedIn("", f"{asked.method} {asked.path} is answered", f"nothing within {within_s:g} s")
    except httpx.HTTPError as error:
        return SignedIn("", f"{asked.method} {asked.path} is answered", type(error).__name__)


async def _answered(asked: SignInRequest, door: SignInAddress, within_s: float) -> Answered:
    """Ask, following no redirect. Raises `TimeoutError` and `httpx.HTTPError`."""
    host, port = door.address
    origin = f"{'https' if door.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    verify = door.tls if door.tls is not None else True
    async with httpx.AsyncClient(verify=verify, timeout=within_s, trust_env=False) as client:
        request = client.build_request(
            asked.method,
            origin + door.prefix + asked.path,
            headers={**asked.headers, "Host": door.host},
            content=asked.body,
            extensions={"sni_hostname": door.server_name},
        )
        response = await client.send(request, stream=True)
        try:
            body = b""
            async for part in response.aiter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    break
        finally:
            await response.aclose()
    jar = Cookies(door.server_name, tls=door.tls is not None, now_s=time.time())
    set_here = jar.keep("", door.prefix + asked.path, response.headers.get_list("set-cookie"))
    cookies = tuple(CookieGiven(cookie.name, value, cookie.refused) for cookie, value in set_here)
    return Answered(response.status_code, cookies, decoded_text(body[:_MOST_BYTES], response.charset_encoding))


def _secrets(signing: SignsIn, answer: Answered) -> Iterator[str]:
    """Every cookie of the answer, whether it is kept or not, and the credential in it."""
    yield from (cookie.value for cookie in answer.cookies if len(cookie.value) >= SHORTEST)
    with contextlib.suppress(NotSignedIn):
        yield signing.given("valid", answer)


def _kinds(scenario: Scenario) -> Iterable[str]:
    for step in scenario.steps:
        if isinstance(step, Connect):
            yield step.token
    yield from (argument for name, argument in placeholders(scenario.steps) if name == "token")
