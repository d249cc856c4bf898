"""Asking a replica over HTTP how it is. Answers are data, whatever they are; only the deadline is an error."""

from __future__ import annotations

import asyncio
import functools
import itertools
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence

import httpx

from envparity.errors import DeadlineExceeded
from envparity.launch.http_answer import asking_client, http_answer
from envparity.launch.listening import accepts
from envparity.model.backend import Backend, UpAnswer
from envparity.observe.record import HttpAnswer, StartupReport
from envparity.observe.startup import read_log, read_report
from envparity.support.stalls import Deadline, within

__all__ = ["HealthProbe"]

_POLL_S = 0.02
_LATE_SHARE = 0.05  # what was waited for is seen that share of its time late at most, or a poll's pause
_LONGEST_PAUSE_S = 0.25
_GOES_ON_S = 10.0  # who listens in spite of a failed validation does so at once; a platform would kill what hangs
_ANSWER_S = 3.0  # of a whole answer, however slowly it drips
_MOST_BYTES = 4 * 1024 * 1024
_POLLS_PER_LOOK = 8  # asking the engine whether the process still lives costs more than asking the process


class HealthProbe:
    """Asks one replica at `base_url` for its health, within `_ANSWER_S` seconds an answer.

    `port_listens` says whether the replica's own port listens. Without it a connection to `base_url` is tried, which is
    the same only where nothing stands in between that accepts in the replica's place.
    """

    def __init__(
        self, backend: Backend, base_url: str, port_listens: Callable[[], Awaitable[bool]] | None = None
    ) -> None:
        self._backend = backend
        url = httpx.URL(base_url)
        self.listens = port_listens or (lambda: accepts((url.host, url.port or 80)))
        self.decided_with: StartupReport | None = None  # what `until_decided` saw last, where that passed or failed
        self._client = asking_client(base_url, _tls(), _ANSWER_S)

    async def close(self) -> None:
        await self._client.aclose()

    async def ask(self, path: str | None) -> HttpAnswer | None:
        """The answer of that path; status 0 with the reason where there was none; None where there is no such path."""
        if path is None:
            return None
        late = f"no whole answer within {_ANSWER_S:g} s"
        return await http_answer(self._client, path, within(_ANSWER_S), late=late, most_bytes=_MOST_BYTES)

    async def startup(self) -> StartupReport | None:
        """The startup report as it stands now, or None where nothing answers, or the backend has none."""
        answer = await self.ask(self._backend.health.startup)
        if answer is None or answer.status == 0:
            return None
        return read_report(answer.body, self._backend.report, http_status=answer.status)

    async def until_listening(self, timeout_s: float, ended: Callable[[], Awaitable[bool]]) -> bool:
        """Poll until any HTTP answer comes. False when the process ended or the deadline passed."""

        async def listening() -> bool:
            if not await self.listens():
                return False
            health = self._backend.health
            if health.up == "port":
                return True
            path = health.live or health.ready or health.startup
            answer = await self.ask(path or (health.up.path if isinstance(health.up, UpAnswer) else "/"))
            return answer is not None and answer.status != 0

        return await _poll(listening, timeout_s, ended)

    async def until_decided(
        self, timeout_s: float, ended: Callable[[], Awaitable[bool]], log: Callable[[], Awaitable[Sequence[str]]]
    ) -> bool:
        """Poll until startup passed or failed. False when the process ended or the deadline passed.

        A backend without a startup report is read through its log, where its file says how, and by its port: a log that
        says "passed" is believed once the port listens, and after one that says "failed" the port or the end of the
        process is waited for as well, `_GOES_ON_S` seconds, for a backend may go on. Where there is no word for
        "passed", a port that listens has passed. A backend without words has decided as soon as its readiness answers,
        or, where it has no such path, its port listens.
        """
        health, mapping = self._backend.health, self._backend.report
        goes_on: Deadline | None = None  # since it said that it failed

        async def reported() -> bool:
            report = await self.startup() if await self.listens() else None
            self.decided_with = report if report is not None and report.status != "starting" else None
            return self.decided_with is not None

        async def logged() -> bool:
            nonlocal goes_on
            listening = await self.listens()
            report = read_log(await log(), mapping, listening=listening)
            if report is None or report.status == "starting":
                return False
            if report.status == "fail" and goes_on is None:
                goes_on = Deadline(_GOES_ON_S)
            return listening or (goes_on is not None and goes_on.passed)

        async def answers() -> bool:
            return await self.listens() and self._is_up(await self._how_it_is())

        decided = answers
        if health.startup is not None:
            decided = reported
        elif mapping.log_passed is not None or mapping.log_failed is not None:
            decided = logged
        # What said that it failed, and then neither listened nor ended, has decided all the same.
        return await _poll(decided, timeout_s, ended) or (goes_on is not None and not await ended())

    async def until_ready(self, what: str, timeout_s: float, ended: Callable[[], Awaitable[bool]]) -> None:
        """Poll until readiness answers 200, or, where there is no such path, the port listens; or as `up` says.

        Raises `DeadlineExceeded` with the last answer.
        """
        last: HttpAnswer | None = None

        async def ready() -> bool:
            nonlocal last
            last = await self._how_it_is()
            return (last is not None or await self.listens()) and self._is_up(last)

        if not await _poll(ready, timeout_s, ended):
            detail = "no answer" if last is None else f"last answer {last.status} {str(last.body)[:300]}"
            raise DeadlineExceeded(f"{what} to be ready", timeout_s, detail)

    async def _how_it_is(self) -> HttpAnswer | None:
        """The answer by which it is up or is not; None where no answer says so."""
        health = self._backend.health
        if isinstance(health.up, UpAnswer):
            return await self.ask(health.up.path)
        return await self.ask("/" if health.up == "http" else health.ready or health.live)

    def _is_up(self, answer: HttpAnswer | None) -> bool:
        """Whether that answer says that it is, for what has a port that listens."""
        up = self._backend.health.up
        if answer is None:
            return True
        if isinstance(up, UpAnswer):
            return answer.status in up.status
        return answer.status != 0 if up == "http" else answer.status == httpx.codes.OK


async def _poll(
    question: Callable[[], Awaitable[bool]], timeout_s: float, ended: Callable[[], Awaitable[bool]]
) -> bool:
    deadline = Deadline(timeout_s)
    first = time.monotonic()
    for attempt in itertools.count():
        began = time.monotonic()
        if await question():
            return True
        if deadline.passed or (attempt % _POLLS_PER_LOOK == 0 and await ended()):
            return False
        # Long waits are asked about less often; a look that costs much (a long log) takes at most a third of the time.
        now = time.monotonic()
        await asyncio.sleep(max(_POLL_S, 2 * (now - began), min(_LATE_SHARE * (now - first), _LONGEST_PAUSE_S)))
    raise AssertionError("unreachable")


@functools.cache
def _tls() -> ssl.SSLContext:
    """What every client has: reading the system's certificates for each of many costs more than its conversation."""
    return ssl.create_default_context()
