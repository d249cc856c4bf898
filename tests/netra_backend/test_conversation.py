"""The conversation, with a real backend on real servers."""

from __future__ import annotations

import base64
import json
import uuid

import pytest
from redis.asyncio import Redis

from tests.netra_backend.running import AGENT_EVENTS, BackendProcess, talk, token
from tests.netra_backend.somebody import somebody


@pytest.mark.parametrize("by", ["header", "subprotocol", "first_frame"])
async def test_whole_conversation_however_the_token_comes(backend: BackendProcess, by: str) -> None:
    """Connect, authenticate, be welcomed, ask, read it back, ping, close: the same, however the token comes."""
    user = somebody()
    good = token(user)
    offered = ["netra.v1"]
    if by == "subprotocol":
        offered.append("jwt." + base64.urlsafe_b64encode(good.encode()).decode().rstrip("="))
    headers = {"Authorization": f"Bearer {good}"} if by == "header" else {}
    async with talk(backend, headers=headers, subprotocols=offered) as talking:
        assert talking.socket.subprotocol == "netra.v1"
        if by == "first_frame":
            await talking.say(type="authenticate", token=good)
        welcome = await talking.hear()
        assert (welcome["type"], welcome["user_id"]) == ("connection_established", user)
        events = await talking.ask("what is the price of this", "m1")
        assert [event["type"] for event in events] == AGENT_EVENTS
        assert {event["message_id"] for event in events} == {"m1"}
        assert len({(event["run_id"], event["thread_id"]) for event in events}) == 1
        await talking.say(type="history", thread_id=events[0]["thread_id"])
        said = (await talking.hear())["messages"]
        assert [(message["role"], message["text"]) for message in said] == [
            ("user", "what is the price of this"),
            ("assistant", events[-1]["answer"]),
        ]
        await talking.say(type="ping", id="p")
        assert (await talking.hear())["id"] == "p"
        await talking.socket.close(1000)
        assert talking.socket.close_code == 1000


async def test_no_subprotocol_is_selected_that_was_not_offered(backend: BackendProcess) -> None:
    """Without an offer, none is selected: RFC 6455 §4.2.2."""
    async with talk(backend, token(somebody())) as talking:
        assert talking.socket.subprotocol is None


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (token(exp=1), "token_expired"),
        (token(key="another-secret-of-more-than-32-bytes!"), "token_signature"),
        (token(iss="https://elsewhere.example"), "token_issuer"),
        (token(aud="elsewhere"), "token_audience"),
        (token(sub=None), "token_malformed"),
        (token(jti=None), "token_malformed"),
        ("this.is-not.a-token", "token_malformed"),
    ],
)
async def test_a_bad_token_is_refused_by_name(backend: BackendProcess, wrong: str, code: str) -> None:
    """An error frame with the code, then 1008 with the code as reason."""
    async with talk(backend, wrong, welcomed=False) as talking:
        assert (await talking.hear())["code"] == code
        assert await talking.hear_close() == (1008, code)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer "}, {"Authorization": "Basic dTpw"}])
async def test_an_authorization_header_without_a_token_is_malformed(
    backend: BackendProcess, headers: dict[str, str]
) -> None:
    """A header that should have had a token is judged, not passed over."""
    async with talk(backend, headers=headers) as talking:
        assert (await talking.hear())["code"] == "token_malformed"
        assert await talking.hear_close() == (1008, "token_malformed")


async def test_an_empty_token_in_the_subprotocol_is_malformed(backend: BackendProcess) -> None:
    """`jwt.` with nothing behind it is a token, and a bad one."""
    async with talk(backend, subprotocols=["netra.v1", "jwt."]) as talking:
        assert (await talking.hear())["code"] == "token_malformed"


async def test_a_revoked_token_is_refused(backend: BackendProcess, redis_url: str) -> None:
    """The key `netra:revoked:<jti>` takes a token back before it expires."""
    jti = uuid.uuid4().hex
    async with Redis.from_url(redis_url) as client:
        await client.set(f"netra:revoked:{jti}", "1", ex=60)
    async with talk(backend, token(somebody(), jti=jti), welcomed=False) as talking:
        assert (await talking.hear())["code"] == "token_revoked"
        assert await talking.hear_close() == (1008, "token_revoked")


async def test_a_message_before_authentication_is_refused(backend: BackendProcess) -> None:
    """The first frame must be `authenticate`."""
    async with talk(backend) as talking:
        await talking.say(type="ping")
        assert (await talking.hear())["code"] == "auth_required"
        assert await talking.hear_close() == (1008, "auth_required")


async def test_silence_before_authentication_times_out(backend: BackendProcess) -> None:
    """Who says nothing within WEBSOCKET_AUTH_TIMEOUT_S is told so."""
    async with talk(backend) as talking:
        assert (await talking.hear())["code"] == "auth_timeout"
        assert await talking.hear_close() == (1008, "auth_timeout")


@pytest.mark.parametrize(
    ("frame", "code", "field"),
    [
        ("{", "invalid_json", None),
        ("[" * 5000, "invalid_json", None),
        ('{"type": "ping", "id": NaN}', "invalid_json", None),
        (b"{}", "invalid_json", None),
        ('{"type": "sing"}', "unknown_type", "type"),
        ("{}", "missing_field", "type"),
        ('{"type": "user_message", "message_id": "m", "content": "hi"}', "missing_field", "text"),
        ('{"type": "ping", "loud": true}', "unexpected_field", "loud"),
        ('{"type": "user_message", "message_id": 7, "text": "hi"}', "invalid_field", "message_id"),
        ('{"type": "user_message", "message_id": "m", "text": "\\u0000"}', "invalid_field", "text"),
        ('{"type": "user_message", "message_id": "m", "text": "\\ud800"}', "invalid_field", "text"),
        ('{"type": "history", "thread_id": "nobody\'s"}', "thread_not_found", "thread_id"),
        ('{"type": "authenticate", "token": "again"}', "unexpected_type", "type"),
    ],
)
async def test_a_bad_frame_is_answered_and_the_connection_stays(
    backend: BackendProcess, frame: str | bytes, code: str, field: str | None
) -> None:
    """An error frame that names the field; after it a ping is answered as ever."""
    async with talk(backend, token(somebody())) as talking:
        await talking.socket.send(frame)
        error = await talking.hear()
        assert (error["code"], error.get("field")) == (code, field)
        await talking.say(type="ping")
        assert (await talking.hear())["type"] == "pong"


@pytest.mark.parametrize("frame", ["x" * 8193, "é" * 4097, b"x" * 8193, "x" * 100_000])
async def test_a_message_too_big_is_refused_by_name(backend: BackendProcess, frame: str | bytes) -> None:
    """An error frame, then 1009; bytes are counted, not characters."""
    async with talk(backend, token(somebody())) as talking:
        await talking.socket.send(frame)
        assert (await talking.hear())["code"] == "message_too_big"
        assert await talking.hear_close() == (1009, "message_too_big")


async def test_a_message_of_just_the_limit_is_read(backend: BackendProcess) -> None:
    """The limit itself is allowed, in bytes and not in characters."""
    async with talk(backend, token(somebody())) as talking:
        frame = json.dumps({"type": "user_message", "message_id": "m", "text": "é" * 10}, ensure_ascii=False)
        await talking.socket.send(frame[:-2] + "x" * (8192 - len(frame.encode())) + frame[-2:])
        assert [(await talking.hear())["type"] for _ in AGENT_EVENTS] == AGENT_EVENTS


async def test_too_fast_is_refused_by_name(backend: BackendProcess) -> None:
    """The 101st message within a minute: an error frame, then 1008."""
    async with talk(backend, token(somebody())) as talking:
        for _ in range(101):
            await talking.say(type="ping")
        for _ in range(100):
            assert (await talking.hear())["type"] == "pong"
        error = await talking.hear()
        assert (error["code"], error["retryable"]) == ("rate_limited", True)
        assert await talking.hear_close() == (1008, "rate_limited")


async def test_too_many_connections_are_refused_until_one_is_closed(backend: BackendProcess) -> None:
    """The fourth connection of a user gets 1013; when one has closed there is room again."""
    user = somebody()
    async with talk(backend, token(user)), talk(backend, token(user)):
        async with talk(backend, token(user)), talk(backend, token(user), welcomed=False) as fourth:
            assert (await fourth.hear())["code"] == "too_many_connections"
            assert await fourth.hear_close() == (1013, "too_many_connections")
        async with talk(backend, token(user)):
            pass
