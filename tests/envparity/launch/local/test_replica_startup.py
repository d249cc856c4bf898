"""Readiness that says no once is asked again for a moment where nothing was kept from the backend, and only there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from envparity.errors import DeadlineExceeded
from envparity.launch.local.replica_startup import ReplicaStartup
from envparity.model.case import Boot
from envparity.observe.record import HttpAnswer, StartupReport


class Probe:
    """One whose readiness answers these statuses, one for each question, the last of them for ever."""

    def __init__(self, statuses: list[int], startup: str | None) -> None:
        self._statuses = statuses
        self.decided_with = None if startup is None else StartupReport(cast("Any", startup))
        self.asked = 0

    async def ask(self, path: str | None) -> HttpAnswer | None:
        self.asked += 1
        status = self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
        return None if path is None else HttpAnswer(path, status)

    async def until_ready(self, what: str, timeout_s: float, ended: Callable[[], Awaitable[bool]]) -> None:
        del ended
        for _ in range(5):
            answer = await self.ask("/ready")
            if answer is not None and answer.status == 200:
                return
        raise DeadlineExceeded(what, timeout_s)


async def seen(probe: Probe, boot: Boot = Boot(), path: str | None = "/ready", looks: int = 1) -> list[int | None]:  # noqa: B008  frozen
    """The statuses that so many looks at a replica record."""
    backend: Any = SimpleNamespace(health=SimpleNamespace(ready=path))
    startup = ReplicaStartup(backend, boot, (), *[cast("Any", None)] * 3)
    replica: Any = SimpleNamespace(index=0, probe=probe)
    answers = [await startup.readiness(replica) for _ in range(looks)]
    return [None if answer is None else answer.status for answer in answers]


@pytest.mark.parametrize("startup", ["pass", None], ids=["passed", "no report"])
async def test_what_becomes_ready_in_a_moment_is_ready(startup: str | None) -> None:
    assert await seen(Probe([503, 503, 200], startup)) == [200]
    assert await seen(Probe([0, 200], startup)) == [200]


async def test_what_does_not_become_ready_says_no() -> None:
    assert await seen(Probe([503], "pass")) == [503]


@pytest.mark.parametrize("boot", [Boot(down=("redis",)), Boot(timeline=("backend", "redis"))], ids=["down", "late"])
async def test_where_something_was_kept_from_it_one_answer_counts(boot: Boot) -> None:
    """It may well not be ready, and nobody waits for it."""
    assert await seen(Probe([503, 200], "pass"), boot) == [503]


async def test_after_a_failed_startup_one_answer_counts() -> None:
    assert await seen(Probe([503, 200], "fail")) == [503]


async def test_only_the_first_look_waits() -> None:
    """The last one is after everything that was done to the stack."""
    assert await seen(Probe([200, 503, 200], "pass"), looks=2) == [200, 503]


async def test_without_a_path_there_is_nothing_to_wait_for() -> None:
    probe = Probe([200], "pass")
    assert await seen(probe, path=None) == [None]
    assert probe.asked == 1
