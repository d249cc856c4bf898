"""Users and their messages, with a real backend on real servers."""

from __future__ import annotations

import asyncio

import pytest

from tests.netra_backend.running import AGENT_EVENTS, BackendProcess, talk, token
from tests.netra_backend.somebody import somebody


async def test_a_resent_message_is_answered_once(backend: BackendProcess) -> None:
    """The second time only the stored answer comes, marked, and nothing is stored twice."""
    async with talk(backend, token(somebody())) as talking:
        events = await talking.ask("hello", "m1")
        await talking.say(type="user_message", message_id="m1", text="hello")
        assert await talking.hear() == {**events[-1], "duplicate": True}
        await talking.say(type="history", thread_id=events[0]["thread_id"])
        assert len((await talking.hear())["messages"]) == 2


async def test_a_message_sent_twice_at_once_runs_once(backend: BackendProcess) -> None:
    """Two connections race with one message_id: one run, and the other is answered from it or told that it goes on."""
    user = somebody()
    async with talk(backend, token(user)) as first, talk(backend, token(user)) as other:
        await asyncio.gather(*(each.say(type="user_message", message_id="m", text="hi") for each in (first, other)))
        heard = []
        for each in (first, other):
            while (frame := await each.hear())["type"] != "agent_completed" or "duplicate" in frame:
                heard.append(frame)
            heard.append(frame)
        for each in (first, other):  # what the loser is told for itself comes before what it asks for next
            await each.say(type="history", thread_id=frame["thread_id"])
            while (frame := await each.hear())["type"] != "history":
                heard.append(frame)
            assert len(frame["messages"]) == 2
        assert len({frame["run_id"] for frame in heard if "run_id" in frame}) == 1
        assert sum(frame["type"] == "agent_started" for frame in heard) == 2
        assert sum("duplicate" in frame or frame.get("code") == "message_in_progress" for frame in heard) == 1


async def test_events_reach_all_connections_of_the_user_and_nobody_elses(backend: BackendProcess) -> None:
    """Another connection of the same user hears the five events; another user hears nothing but their own pong."""
    user = somebody()
    async with (
        talk(backend, token(user)) as first,
        talk(backend, token(user)) as two,
        talk(backend, token(somebody())) as stranger,
    ):
        events = await first.ask("hello", "m1")
        assert [await two.hear() for _ in AGENT_EVENTS] == events
        await stranger.say(type="ping")
        assert (await stranger.hear())["type"] == "pong"
        await stranger.say(type="history", thread_id=events[0]["thread_id"])
        assert (await stranger.hear())["code"] == "thread_not_found"
        await stranger.say(type="user_message", message_id="m2", text="hi", thread_id=events[0]["thread_id"])
        assert (await stranger.hear())["code"] == "thread_not_found"


@pytest.mark.parametrize("user_id", ["42", 42, "6f1c2a34-8c1e-4ac4-9a5e-0d5a64a0ee55", "google-oauth2|107", "ünïcode"])
async def test_a_user_id_is_whatever_the_identity_provider_says(backend: BackendProcess, user_id: object) -> None:
    """Numeric, UUID, with a provider's prefix: all are users."""
    async with talk(backend, token(user_id), welcomed=False) as talking:
        assert (await talking.hear())["user_id"] == str(user_id)
