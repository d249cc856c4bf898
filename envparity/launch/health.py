"""Asking a replica over HTTP how it is. Answers are data, whatever they are; only the deadline is an error."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

from envparity.backend import Backend
from envparity.errors import DeadlineExceeded
from envparity.observe.record import HttpAnswer, StartupReport
from envparity.observe.startup import read_log, read_report

__all__ = ["HealthProbe"]

_POLL_S = 0.02
_ANSWER_S = 3.0
_POLLS_PER_LOOK = 8  # asking the engine whether the process still lives costs more than asking the process


class HealthProbe:
    """Asks one replica at `base_url` for its health, within `_ANSWER_S` seconds an answer."""

    def __init__(self, backend: Backend, base_url: str) -> None:
        self._backend = backend
        self.decided_with: StartupReport | None = None  # what `until_decided` saw last, where that passed or failed
        self._client = httpx.AsyncClient(base_url=base_url, timeout=_ANSWER_S, trust_env=False)

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, path: str | None) -> HttpAnswer | None:
        """The answer of that path; status 0 with the reason where there was none; None where there is no such path."""
        if path is None:
            return None
        try:
            response = await self._client.get(path)
        except httpx.HTTPError as error:
            return HttpAnswer(path, 0, f"{type(error).__name__}: {error}")
        return HttpAnswer(path, response.status_code, _body(response))

    async def startup(self) -> StartupReport | None:
        """The startup report as it stands now, or None where nothing answers, or the backend has none."""
        answer = await self.ask(self._backend.health.startup)
        if answer is None or answer.status == 0:
            return None
        return read_report(answer.body, self._backend.report, http_status=answer.status)

    async def until_listening(self, timeout_s: float, ended: Callable[[], Awaitable[bool]]) -> bool:
        """Poll every 20 ms until any HTTP answer comes. False when the process ended or the deadline passed."""

        async def listening() -> bool:
            health = self._backend.health
            answer = await self.ask(health.live or health.ready or health.startup or "/")
            return answer is not None and answer.status != 0

        return await _poll(listening, timeout_s, ended)

    async def until_decided(
        self, timeout_s: float, ended: Callable[[], Awaitable[bool]], log: Callable[[], Awaitable[Sequence[str]]]
    ) -> bool:
        """Poll every 20 ms until startup passed or failed. False when the process ended or the deadline passed.

        A backend without a startup report is read through its log, where its file says how; one that has neither has
        decided as soon as its readiness answers.
        """
        by_log = self._backend.report.log_passed is not None or self._backend.report.log_failed is not None

        async def decided() -> bool:
            health = self._backend.health
            if health.startup is not None:
                report = await self.startup()
                self.decided_with = report if report is not None and report.status != "starting" else None
                return self.decided_with is not None
            if by_log:
                report = read_log(await log(), self._backend.report)
                return report is not None and report.status != "starting"
            answer = await self.ask(health.ready or health.live)
            return answer is not None and answer.status == httpx.codes.OK

        return await _poll(decided, timeout_s, ended)

    async def until_ready(self, what: str, timeout_s: float, ended: Callable[[], Awaitable[bool]]) -> None:
        """Poll every 20 ms until readiness answers 200. Raises `DeadlineExceeded` with the last answer."""
        last: HttpAnswer | None = None

        async def ready() -> bool:
            nonlocal last
            last = await self.ask(self._backend.health.ready or self._backend.health.live)
            return last is None or last.status == httpx.codes.OK

        if not await _poll(ready, timeout_s, ended):
            detail = "no answer" if last is None else f"last answer {last.status} {str(last.body)[:300]}"
            raise DeadlineExceeded(f"{what} to be ready", timeout_s, detail)


async def _poll(
    question: Callable[[], Awaitable[bool]], timeout_s: float, ended: Callable[[], Awaitable[bool]]
) -> bool:
    deadline = time.monotonic() + timeout_s
    for attempt in itertools.count():
        if await question():
            return True
        if time.monotonic() >= deadline or (attempt % _POLLS_PER_LOOK == 0 and await ended()):
            return False
        await asyncio.sleep(_POLL_S)
    raise AssertionError("unreachable")


def _body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return response.text
