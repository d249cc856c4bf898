"""Scripts of scenarios."""

from __future__ import annotations

import uuid
from itertools import count
from pathlib import Path
from typing import Any

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.conversation.handshake import SignedIn
from envparity.conversation.resolving import ResolvedScenario, resolve_scenario
from envparity.model.backend import Backend, Carrier, ImageSource, Tokens
from envparity.model.scenario import Scenario
from envparity.model.step import Step

SETTINGS = {
    "KEY": "0123456789abcdef0123456789abcdef",
    "ISS": "i",
    "AUD": "a",
    "MAX": "7",
    "ORIGINS": "http://x, http://y",
}
HEADER = Carrier("header", header="Authorization: Bearer {token}")
SUBPROTOCOL = Carrier("subprotocol", subprotocol="jwt.{token_base64url}")
FIRST_FRAME = Carrier("first_frame", first_frame={"type": "authenticate", "credentials": {"token": "{token}"}})


def backend(**changes: Any) -> Backend:
    tokens = Tokens(SharedKeyJwt("KEY", "ISS", "AUD"), carriers=(HEADER, SUBPROTOCOL, FIRST_FRAME))
    return Backend("b", Path("b.toml"), ImageSource(), **{"subprotocols": ("v2", "v1"), "tokens": tokens, **changes})


def script(
    *steps: Step,
    carriers: str = "",
    settings: dict[str, str] | None = None,
    signed_in: dict[str, SignedIn] | None = None,
    **changes: Any,
) -> ResolvedScenario:
    """The script of a scenario of these steps; ids are numbered from 1, in their middle."""
    numbers = count(1)
    return resolve_scenario(
        Scenario("one", carriers=carriers, steps=steps),
        backend(**changes),
        SETTINGS if settings is None else settings,
        "https://here",
        now_s=1_800_000_000,
        fresh=lambda: uuid.UUID(int=next(numbers) << 64),
        signed_in=signed_in,
    )


QUERY, COOKIE = Carrier("query", query="access_token"), Carrier("cookie", cookie="session")
