"""Several things at the same time, none of them left half made."""

from __future__ import annotations

import asyncio

import pytest

from envparity.support.together import together


async def test_what_each_comes_to_in_the_sequence_given() -> None:
    """They are under way at the same time: each waits here for the other."""
    meeting = asyncio.Barrier(2)

    async def meets(name: str) -> str:
        await meeting.wait()
        return name

    async with asyncio.timeout(5):
        assert await together(meets("one"), meets("other")) == ["one", "other"]


async def test_who_fails_is_raised_when_the_others_have_ended() -> None:
    """So that nothing goes on behind the back of who cleans up."""
    ended = []

    async def fails() -> None:
        raise LookupError("gone")

    async def goes_on() -> None:
        await asyncio.sleep(0)
        ended.append(True)

    with pytest.raises(LookupError, match="gone"):
        await together(fails(), goes_on())
    assert ended == [True]
