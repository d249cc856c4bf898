"""The conversation, with a real backend on real servers."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid

import pytest
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from tests.netra_backend.running import AGENT_EVENTS, BackendProcess, talk, token


def somebody() -> str:
    """A user whom no other test knows."""
    return f"google-oauth2|{uuid.uuid4().hex}"


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


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        ("https://app.example", {}),
        (None, {}),
        ("http://{own}", {}),
        ("https://chat.example", {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "chat.example"}),
        ("https://chat.example:443", {"X-Forwarded-Proto": "wss", "X-Forwarded-Host": "chat.example"}),
    ],
)
async def test_an_allowed_origin_connects(backend: BackendProcess, origin: str | None, headers: dict[str, str]) -> None:
    """Listed, absent, or the backend's own as the ingress forwarded it."""
    origin = origin.format(own=f"127.0.0.1:{backend.port}") if origin else None
    async with talk(backend, token(somebody()), origin=origin, headers=headers):
        pass


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example", "https://app.example.evil"])
async def test_a_forbidden_origin_gets_403_before_the_upgrade(backend: BackendProcess, origin: str) -> None:
    """The one refusal before the upgrade."""
    before = backend.metric("netra_websocket_handshakes_total", status="403")
    with pytest.raises(InvalidStatus) as refused:
        async with talk(backend, token(), origin=origin):
            pass
    assert refused.value.response.status_code == 403
    assert backend.metric("netra_websocket_handshakes_total", status="403") == before + 1


async def test_headers_that_pretend_to_be_a_test_change_nothing(backend: BackendProcess) -> None:
    """No header, and no environment's name, is a way around authentication."""
    headers = {"X-Test-Mode": "true", "X-Environment": "test", "X-Bypass-Auth": "1", "X-E2E-Test": "true"}
    async with talk(backend, headers=headers) as talking:
        await talking.say(type="ping")
        assert (await talking.hear())["code"] == "auth_required"


async def test_what_happens_is_counted(backend: BackendProcess) -> None:
    """Handshakes, attempts, messages, runs and closes stand in the metrics."""
    counted = {
        "netra_websocket_handshakes_total": {"status": "101"},
        "netra_auth_attempts_total": {"outcome": "accepted"},
        "netra_messages_total": {"type": "user_message", "outcome": "ok"},
        "netra_agent_run_seconds_count": {},
        "netra_websocket_closes_total": {"code": "1000", "reason": "client"},
    }
    before = {name: backend.metric(name, **labels) for name, labels in counted.items()}
    async with talk(backend, token(somebody())) as talking:
        await talking.ask("usage, please", "m1")
    async with talk(backend, token(somebody())):  # by now the close of the first has been counted
        assert backend.metric("netra_connections") >= 1
        after = {name: backend.metric(name, **labels) for name, labels in counted.items()}
    assert all(after[name] > before[name] for name in counted)
    assert backend.metric("netra_startup_step_seconds", step="postgres") > 0


async def test_a_plain_request_is_told_what_the_path_speaks(backend: BackendProcess) -> None:
    """GET /ws without an upgrade gets 426."""
    assert backend.get("/ws")[0] == 426


async def test_nothing_secret_is_logged_or_reported(backend: BackendProcess, settings: dict[str, str]) -> None:
    """Neither log nor report nor metrics hold a secret or a token."""
    good = token(somebody())
    async with talk(backend, good):
        pass
    shown = backend.log + json.dumps(backend.get("/health/startup")[1]) + backend.get("/metrics")[1]
    for secret in (settings["JWT_SECRET"], settings["DATABASE_URL"], "made-up-for-tests", good, good.split(".")[2]):
        assert secret not in shown


@pytest.mark.parametrize("size", [3 * 1024, 6 * 1024, 15 * 1024])
async def test_tokens_of_identity_providers_are_long(backend: BackendProcess, size: int) -> None:
    """Groups and roles make them some KiB long, and one header of that size is taken."""
    good = token(somebody(), groups="g" * size)
    async with talk(backend, headers={"Authorization": f"Bearer {good}"}, subprotocols=["netra.v1"]) as talking:
        assert (await talking.hear())["type"] == "connection_established"


@pytest.mark.parametrize(
    ("headers", "size"),
    [(1, 200_000), (1, 65_536), (1, 66_000), (200, 1), (150, 300)],
    ids=["no end", "a byte too long", "a little too long", "many headers", "many long headers"],
)
async def test_a_head_that_is_too_long_is_refused_at_once(backend: BackendProcess, headers: int, size: int) -> None:
    """With an answer (h11 says 400, websockets 431), and not with silence."""
    padding = {f"Padding-{number}": "x" * size for number in range(headers)}
    with pytest.raises(InvalidStatus) as caught:
        async with asyncio.timeout(5), talk(backend, headers=padding, subprotocols=["netra.v1"]):
            pass
    assert caught.value.response.status_code in {400, 431}
