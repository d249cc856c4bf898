"""SIGTERM, and dependencies that go away and come back; with real processes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import asyncpg

from tests.netra_backend.running import AGENT_EVENTS, BackendProcess, Talk, talk, token
from tests.servers import url_of_database

if TYPE_CHECKING:
    from tests.netra_backend.conftest import Start
    from tests.servers import Server


async def test_sigterm_closes_with_1001_and_exits_with_0(start: Start) -> None:
    """Conversations end with 1001 and a reason, also one that has not authenticated; then the process is done."""
    backend = start(WEBSOCKET_AUTH_TIMEOUT_S="60")
    backend.until_started()
    async with talk(backend, token()) as talking, talk(backend) as silent:
        began = time.monotonic()
        backend.terminate()
        assert await talking.hear_close() == (1001, "shutdown")
        assert await silent.hear_close() == (1001, "shutdown")
    assert await asyncio.to_thread(backend.wait) == 0
    assert time.monotonic() - began < 30


async def test_sigterm_lets_a_run_finish(start: Start, postgres_url: str) -> None:
    """A run that is going on completes and is stored; whoever comes meanwhile gets 1013, and readiness is 503."""
    backend = start()
    backend.until_started()
    user = "drained user"
    connection = await asyncpg.connect(postgres_url)
    try:
        async with talk(backend, token(user)) as talking:
            async with connection.transaction():
                await connection.execute("LOCK TABLE prices IN ACCESS EXCLUSIVE MODE")
                await talking.say(type="user_message", message_id="m1", text="what is the price")
                heard = [(await talking.hear())["type"] for _ in range(3)]
                backend.terminate()
                await asyncio.to_thread(backend.until_ready, 503)
                async with talk(backend, token(user), welcomed=False) as late:
                    assert (await late.hear())["code"] == "shutting_down"
                    assert await late.hear_close() == (1013, "shutting_down")
            heard += [(await talking.hear())["type"] for _ in range(2)]
            assert heard == AGENT_EVENTS
            assert await talking.hear_close() == (1001, "shutdown")
        assert await asyncio.to_thread(backend.wait) == 0
        stored = await connection.fetchval("SELECT count(*) FROM messages WHERE user_id = $1", user)
        assert stored == 2
    finally:
        await connection.close()


async def test_sigterm_while_starting_ends_at_once(start: Start) -> None:
    """A startup that waits for a dependency does not hold the process back."""
    backend = start(REDIS_URL="redis://127.0.0.1:1/0")
    backend.terminate()
    assert await asyncio.to_thread(backend.wait) == 0


async def test_an_outage_of_postgres_is_said_and_gets_over_with(backend: BackendProcess, postgres: Server) -> None:
    """Messages get an error that names it, the connection stays, and the same message_id is answered afterwards."""
    async with talk(backend, token("postgres outage")) as talking:
        await talking.ask("hello", "m1")
        await asyncio.to_thread(postgres.stop)
        try:
            await _until_unavailable(backend, talking, "postgres")
        finally:
            await asyncio.to_thread(postgres.start)
        await asyncio.to_thread(backend.until_ready, 200)
        events = await talking.ask("hello again", "m2")
        assert [event["type"] for event in events] == AGENT_EVENTS


async def test_an_outage_of_redis_is_said_and_gets_over_with(backend: BackendProcess, redis: Server) -> None:
    """The same; and events reach other, old connections again, once Redis is back."""
    user = "redis outage"
    async with talk(backend, token(user)) as talking, talk(backend, token(user)) as other:
        await asyncio.to_thread(redis.stop)
        try:
            await _until_unavailable(backend, talking, "redis")
            async with talk(backend, token("somebody else"), welcomed=False) as new:
                assert (await new.hear())["component"] == "redis"
                assert await new.hear_close() == (1013, "dependency_unavailable:redis")
        finally:
            await asyncio.to_thread(redis.start)
        await asyncio.to_thread(backend.until_ready, 200)
        events = await talking.ask("hello", "m2")
        assert [event["type"] for event in events] == AGENT_EVENTS
        assert [await other.hear() for _ in AGENT_EVENTS] == events


async def _until_unavailable(backend: BackendProcess, talking: Talk, component: str) -> None:
    body = await asyncio.to_thread(backend.until_ready, 503)
    assert component in [failure["component"] for failure in body["failures"]]
    assert (await asyncio.to_thread(backend.get, "/health/live"))[0] == 200
    await talking.say(type="user_message", message_id="m2", text="hello again")
    error = await talking.hear()
    assert (error["code"], error["component"], error["retryable"], error["message_id"]) == (
        "dependency_unavailable",
        component,
        True,
        "m2",
    )
    await talking.say(type="ping")
    assert (await talking.hear())["type"] == "pong"


async def test_heartbeats_come_and_silence_ends_the_conversation(start: Start) -> None:
    """A heartbeat at its interval; after WEBSOCKET_IDLE_TIMEOUT_S without a word, 1000 and the reason."""
    backend = start(WEBSOCKET_HEARTBEAT_INTERVAL_S="0.2", WEBSOCKET_IDLE_TIMEOUT_S="0.5")
    backend.until_started()
    async with talk(backend, token("idle")) as talking:
        assert [(await talking.hear())["type"] for _ in range(2)] == ["heartbeat", "heartbeat"]
        assert await talking.hear_close() == (1000, "idle_timeout")


async def test_two_replicas_share_events_limits_and_messages(
    replicas: tuple[BackendProcess, BackendProcess],
) -> None:
    """What one replica runs, a connection at the other hears; the limit is over both; a resent message is known."""
    first, two = replicas
    assert [replica.until_started()["status"] for replica in replicas] == ["pass", "pass"]
    user = "of two replicas"
    async with talk(first, token(user)) as here, talk(two, token(user)) as there:
        events = await here.ask("hello", "m1")
        assert [await there.hear() for _ in AGENT_EVENTS] == events
        await there.say(type="user_message", message_id="m1", text="hello")
        assert (await there.hear())["duplicate"] is True
        async with talk(first, token(user)), talk(two, token(user), welcomed=False) as fourth:
            assert (await fourth.hear())["code"] == "too_many_connections"


async def test_a_bug_is_1011_with_an_id_that_the_log_has(start: Start, postgres_url: str) -> None:
    """A table is gone under our feet, which nobody expects: an id for the client, the traceback for us."""
    connection = await asyncpg.connect(postgres_url)
    try:
        await connection.execute("CREATE DATABASE broken")
        backend = start(DATABASE_URL=url_of_database(postgres_url, "broken"))
        assert backend.until_started()["status"] == "pass"
    finally:
        await connection.close()
    broken = await asyncpg.connect(url_of_database(postgres_url, "broken"))
    try:
        await broken.execute("ALTER TABLE agent_runs RENAME TO gone")
    finally:
        await broken.close()
    async with talk(backend, token("unlucky")) as talking:
        await talking.say(type="user_message", message_id="m1", text="hello")
        assert (await talking.hear())["code"] == "internal_error"
        code, reason = await talking.hear_close()
    incident = reason.removeprefix("internal_error:")
    (line,) = backend.logged("internal error in a conversation")
    assert (code, line["incident"], line["close_code"]) == (1011, incident, 1011)
    assert "UndefinedTableError" in line["exception"]
    assert backend.metric("netra_websocket_closes_total", code="1011", reason="internal_error") == 1
