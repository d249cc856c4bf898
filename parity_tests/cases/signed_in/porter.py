"""A porter: lets in whoever shows a token that is good by the settings, and greets by name. One server, many ways.

`CARRIER` says where the token is looked for, `CHECKS` how it is judged; the other settings are those of that way.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
from base64 import b64decode, urlsafe_b64decode
from http.cookies import SimpleCookie
from typing import Any
from urllib.error import URLError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import jwt
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

SETTINGS = os.environ


def shown(request: Request) -> str:
    """The token that the client shows, "" where it shows none."""
    match SETTINGS["CARRIER"].split(" "):
        case ["query", name]:
            return parse_qs(urlsplit(request.path).query).get(name, [""])[0]
        case ["cookie", name]:
            jar = SimpleCookie(request.headers.get("Cookie", ""))
            return jar[name].value if name in jar else ""
        case _:
            return request.headers.get("Authorization", "").partition(" ")[2]


def by_shared_key(token: str) -> str:
    """Whom a token of a key that both know names."""
    claims = jwt.decode(token, SETTINGS["TOKEN_KEY"], ["HS256"], leeway=float(SETTINGS["LEEWAY_S"]))
    return str(claims["sub"])


def by_public_key(token: str) -> str:
    """Whom a token names that is checked as it says itself, if that way is allowed."""
    allowed, public = SETTINGS["ALGORITHMS"].split(","), SETTINGS["PUBLIC_KEY"]
    if jwt.get_unverified_header(token)["alg"] == "HS256" and "HS256" in allowed:
        signed, _, signature = token.rpartition(".")
        made = hmac.new(public.encode(), signed.encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(urlsafe_b64decode(signature + "=="), made):
            raise jwt.InvalidSignatureError
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    else:
        claims = jwt.decode(token, public, allowed)
    return str(claims["sub"])


class Provider:
    """An identity provider's public keys, by the ids that tokens name."""

    def __init__(self) -> None:
        self._known: dict[str, jwt.PyJWK] = {}

    def key(self, key_id: str) -> jwt.PyJWK:
        """The key of that id; asked for again where it is not known, unless keys are kept for good."""
        if not self._known or (key_id not in self._known and SETTINGS["KEYS_ARE_KEPT"] != "for good"):
            with urlopen(SETTINGS["JWKS_URL"], timeout=2) as answer:  # noqa: S310  a setting's own
                self._known = {str(key.key_id): key for key in jwt.PyJWKSet.from_json(answer.read().decode()).keys}
        return self._known[key_id]


PROVIDER = Provider()


def by_provider(token: str) -> str:
    """Whom a token of the identity provider names."""
    key = PROVIDER.key(jwt.get_unverified_header(token).get("kid", ""))
    claims = jwt.decode(token, key.key, ["RS256"], issuer=SETTINGS["ISSUER"], audience=SETTINGS["AUDIENCE"])
    return str(claims["sub"])


def by_password(token: str) -> str:
    """Whom user and password name: there is one user, and a password of no characters may not be compared."""
    user, _, password = b64decode(token, validate=True).decode().partition(":")
    compared = bool(password) or SETTINGS["PASSWORDS"] == "compared"
    if user != SETTINGS["DOOR_USER"] or (compared and password != SETTINGS["DOOR_PASSWORD"]):
        raise ValueError("another user, or another password")
    return user


CHECKS = {"shared key": by_shared_key, "public key": by_public_key, "provider": by_provider, "password": by_password}


def judge(connection: ServerConnection, request: Request) -> Response | None:
    """Let the upgrade through where the token is good; the name goes with the connection."""
    if request.path == "/health":
        return connection.respond(200, "ok\n")
    try:
        connection.username = CHECKS[SETTINGS["CHECKS"]](shown(request))
    except URLError as error:
        print(f"{request.path}: the provider does not answer: {error.reason}", flush=True)
        return connection.respond(503, "later\n")
    except (jwt.PyJWTError, LookupError, ValueError) as error:
        print(f"{request.path}: refused, {type(error).__name__}: {error}", flush=True)
        return connection.respond(401, "no\n")
    print(f"{request.path}: let in", flush=True)
    return None


async def greet(client: ServerConnection) -> None:
    """Say who it is, and wait until they leave."""
    await client.send(json.dumps({"type": "welcome", "user": client.username}))
    await client.wait_closed()


async def main() -> None:
    """Serve until the process is told to end."""
    async with serve(greet, "0.0.0.0", int(SETTINGS["PORT"]), process_request=judge):  # noqa: S104
        print("up: the porter is there", flush=True)
        await asyncio.get_running_loop().create_future()


asyncio.run(main())
