"""What clients may say."""

from __future__ import annotations

import pytest

from netra_backend.app.websocket_core.messages import (
    Authenticate,
    ClientMessage,
    History,
    MessageRefused,
    Ping,
    UserMessage,
    message_in,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"type":"ping"}', Ping(type="ping")),
        ('{"type":"ping","id":"1"}', Ping(type="ping", id="1")),
        ('{"type":"authenticate","token":"t"}', Authenticate(type="authenticate", token="t")),
        ('{"type":"history","thread_id":"t"}', History(type="history", thread_id="t", limit=50)),
        (
            '{"type":"user_message","message_id":"m","text":"é","thread_id":"t"}',
            UserMessage(type="user_message", message_id="m", text="é", thread_id="t"),
        ),
    ],
)
def test_a_message_is_read(text: str, message: ClientMessage) -> None:
    """Every type, with and without what is optional."""
    assert message_in(text) == message


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        (None, "invalid_json", None),
        ("", "invalid_json", None),
        ("nonsense", "invalid_json", None),
        ("[]", "invalid_json", None),
        ("[" * 8000, "invalid_json", None),
        ('{"type":"ping","id":Infinity}', "invalid_json", None),
        ('{"type":1' + "0" * 5000 + "}", "invalid_json", None),
        ('{"type":null}', "invalid_field", "type"),
        ('{"type":"Ping"}', "unknown_type", "type"),
        ('{"type":"authenticate"}', "missing_field", "token"),
        ('{"type":"authenticate","token":""}', "invalid_field", "token"),
        ('{"type":"history"}', "missing_field", "thread_id"),
        ('{"type":"history","thread_id":"t","limit":0}', "invalid_field", "limit"),
        ('{"type":"history","thread_id":"t","limit":201}', "invalid_field", "limit"),
        ('{"type":"history","thread_id":"t","limit":"5"}', "invalid_field", "limit"),
        ('{"type":"history","thread_id":"t","limit":true}', "invalid_field", "limit"),
        ('{"type":"user_message","message_id":"m","content":"hi"}', "missing_field", "text"),
        ('{"type":"user_message","message_id":"m","text":"hi","content":"hi"}', "unexpected_field", "content"),
        ('{"type":"user_message","message_id":"","text":"hi"}', "invalid_field", "message_id"),
        ('{"type":"user_message","message_id":"m","text":""}', "invalid_field", "text"),
        ('{"type":"user_message","message_id":"m","text":null}', "invalid_field", "text"),
        ('{"type":"user_message","message_id":"m","text":"\\ud83d"}', "invalid_field", "text"),
        ('{"type":"user_message","message_id":"\\u0000","text":"x"}', "invalid_field", "message_id"),
        ('{"type":"user_message","message_id":"' + "m" * 129 + '","text":"x"}', "invalid_field", "message_id"),
    ],
)
def test_what_is_no_message_is_refused_by_name(text: str | None, code: str, field: str | None) -> None:
    """A code, and the field where one is to blame; not retryable, because the same frame is wrong again."""
    with pytest.raises(MessageRefused) as refused:
        message_in(text)
    error = refused.value.error
    assert (error["code"], error.get("field"), error["retryable"]) == (code, field, False)
