"""Asking a deployed environment over HTTP how it is, where it lets itself be asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any

import httpx

from envparity.launch.attached.pace import MOST_BYTES, Pace
from envparity.launch.secrets import redact
from envparity.observe.record import HttpAnswer

__all__ = ["DeployedHealth", "is_observed"]

_ANSWER_S = 5.0
_HIDDEN = frozenset({0, 401, 403, 404, 405, 407, 410, 421, 451})
"""What says that a path is not for everybody, or not there, or out of reach: not how the backend is."""


def is_observed(answer: HttpAnswer | None) -> bool:
    """Whether the answer is the backend's own about how it is. A redirection leads elsewhere, and is not followed."""
    return answer is not None and answer.status not in _HIDDEN and not 300 <= answer.status < 400


class DeployedHealth:
    """Asks at `base_url` within `_ANSWER_S` seconds an answer, each in its turn. `secrets` are taken out of answers."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None, pace: Pace) -> None:
        self.secrets: tuple[str, ...] = ()
        self._client = httpx.AsyncClient(
            base_url=base_url,
            verify=tls if tls is not None else True,
            timeout=_ANSWER_S,
            trust_env=False,
            limits=httpx.Limits(max_connections=1),
        )
        self._pace = pace

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, path: str | None) -> HttpAnswer | None:
        """The answer of that path; status 0 with the reason where there was none; None where there is no such path."""
        if path is None:
            return None
        await self._pace.turn()
        try:
            async with asyncio.timeout(_ANSWER_S), self._client.stream("GET", path) as response:
                body = b""
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > MOST_BYTES:
                        return HttpAnswer(path, 0, f"an answer of more than {MOST_BYTES} bytes")
        except TimeoutError:
            return HttpAnswer(path, 0, f"no answer within {_ANSWER_S:g} s")
        except httpx.HTTPError as error:
            return HttpAnswer(path, 0, redact(f"{type(error).__name__}: {error}", self.secrets))
        return HttpAnswer(path, response.status_code, self._read(body))

    def _read(self, body: bytes) -> Any:
        text = redact(body.decode("utf-8", errors="replace"), self.secrets)
        try:
            return json.loads(text)
        except ValueError:
            return text
