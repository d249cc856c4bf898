"""What came to a deadline and was to be booted alone is told, too, where that was broken off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, cast

import pytest

from envparity.engine.boots import Boots
from envparity.engine.want_of_time import LateBoots
from envparity.errors import DeadlineExceeded
from envparity.model.case import Case
from envparity.model.project import Project
from envparity.observe.record import Observation
from envparity.observe.transcript import Departure, Transcript
from tests.envparity.judge.builders import project

CASE = Case("local", "chat")
LATE = Transcript("talk", "usual", departure=Departure(0, "timeout", "welcome", "nothing", "a"))
KEPT = Transcript("talk", "usual")


def boots_of(about: Project) -> Boots:
    unused = cast("Any", None)
    return Boots(about, unused, unused, lambda _event: None, unused, planned=1, workers=1)


def seen(script: Transcript) -> Observation:
    return Observation(CASE, "process", "0", transcripts=(script,))


async def test_what_was_not_confirmed_is_told_as_that() -> None:
    boots = boots_of(project("local"))

    async def attempt(*, again: bool) -> Observation:
        if again:
            raise DeadlineExceeded("it to end", 1.0)
        return seen(LATE)

    with pytest.raises(DeadlineExceeded):
        await boots.counted(CASE, attempt, print)
    (told,) = boots.late.in_doubt
    assert "talk came to a deadline" in told
    assert "not confirmed" in told
    assert boots.unsteady == []


async def test_a_run_that_ends_while_the_place_is_given_back_has_no_doubt_left() -> None:
    """By then the boot alone has come to its end, whoever waits for what."""
    late, leaves = LateBoots(every=True), asyncio.Event()

    async def attempt(*, again: bool) -> Observation:
        return seen(KEPT if again else LATE)

    @asynccontextmanager
    async def alone() -> AsyncIterator[None]:
        yield
        leaves.set()
        await asyncio.Event().wait()

    believed = asyncio.create_task(late.believed(attempt, nullcontext(), alone()))
    async with asyncio.timeout(5):
        await leaves.wait()
    believed.cancel()
    with pytest.raises(asyncio.CancelledError):
        await believed
    assert late.in_doubt == ()


async def test_what_was_booted_alone_to_its_end_is_in_doubt_no_more() -> None:
    boots = boots_of(project("local"))

    async def attempt(*, again: bool) -> Observation:
        return seen(KEPT if again else LATE)

    await boots.counted(CASE, attempt, print)
    assert boots.late.in_doubt == ()
