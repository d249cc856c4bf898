"""Asking a deployed environment over HTTP how it is, where it lets itself be asked."""

from __future__ import annotations

import asyncio
import ssl

from envparity.launch.attached.pace import MOST_BYTES, Pace
from envparity.launch.http_answer import asking_client, http_answer
from envparity.observe.record import HttpAnswer
from envparity.support.redaction import Redaction

__all__ = ["DeployedHealth", "is_observed"]

_ANSWER_S = 5.0
_HIDDEN = frozenset({0, 401, 403, 404, 405, 407, 410, 421, 451})
"""What says that a path is not for everybody, or not there, or out of reach: not how the backend is."""


def is_observed(answer: HttpAnswer | None) -> bool:
    """Whether the answer is the backend's own about how it is. A redirection leads elsewhere, and is not followed."""
    return answer is not None and answer.status not in _HIDDEN and not 300 <= answer.status < 400


class DeployedHealth:
    """Asks at `base_url` within `_ANSWER_S` seconds an answer, each in its turn. `redaction` is used on answers."""

    def __init__(self, base_url: str, tls: ssl.SSLContext | None, pace: Pace) -> None:
        self.redaction = Redaction()
        self._client = asking_client(base_url, tls, _ANSWER_S, most_connections=1)
        self._pace = pace

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, path: str | None) -> HttpAnswer | None:
        """The answer of that path; status 0 with the reason where there was none; None where there is no such path."""
        if path is None:
            return None
        await self._pace.turn()
        return await http_answer(
            self._client,
            path,
            asyncio.timeout(_ANSWER_S),
            late=f"no answer within {_ANSWER_S:g} s",
            most_bytes=MOST_BYTES,
            redacted=self.redaction.text,
        )
