"""Close codes and reasons."""

from __future__ import annotations

import pytest

from netra_backend.app.websocket_core import refusals
from netra_backend.app.websocket_core.refusals import Ending, close_reason


@pytest.mark.parametrize("text", ["short", "x" * 123, "x" * 200, "é" * 100, "a" + "é" * 100, "𝄞" * 40])
def test_a_reason_fits_into_a_close_frame(text: str) -> None:
    """At most 123 bytes, cut between characters: RFC 6455 §5.5."""
    reason = close_reason(text)
    assert len(reason.encode()) <= 123
    assert text.startswith(reason)
    assert len(text.encode()) > 123 or reason == text


@pytest.mark.parametrize(
    ("ending", "code", "reason", "retryable"),
    [
        (refusals.STARTING, 1013, "starting", True),
        (refusals.SHUTTING_DOWN, 1013, "shutting_down", True),
        (refusals.TOO_MANY_CONNECTIONS, 1013, "too_many_connections", True),
        (refusals.RATE_LIMITED, 1008, "rate_limited", True),
        (refusals.startup_failed("postgres", "Why."), 1013, "startup_failed:postgres", True),
        (refusals.dependency_unavailable("redis"), 1013, "dependency_unavailable:redis", True),
        (refusals.unauthenticated("token_expired", "Expired."), 1008, "token_expired", False),
        (refusals.message_too_big(8192), 1009, "message_too_big", False),
        (refusals.internal_error("ab12"), 1011, "internal_error:ab12", False),
    ],
)
def test_an_error_frame_with_the_same_code_goes_first(ending: Ending, code: int, reason: str, retryable: bool) -> None:
    """The reason begins with the code of the error frame."""
    assert (ending.code, ending.reason) == (code, reason)
    assert ending.error is not None
    assert ending.error["code"] == reason.partition(":")[0]
    assert ending.error["retryable"] is retryable


def test_an_incidents_id_is_no_metric_label() -> None:
    """Labels are bounded."""
    assert refusals.internal_error("ab12").label == "internal_error"
