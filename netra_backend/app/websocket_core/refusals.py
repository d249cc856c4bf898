"""Every way in which the backend ends a connection, with what it says before it does. RFC 6455 §7.4.1 has the codes."""

from __future__ import annotations

from typing import Any, NamedTuple

NORMAL = 1000
GOING_AWAY = 1001
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013

MAX_REASON_BYTES = 123
"""A control frame has at most 125 bytes, of which the close code takes two: RFC 6455 §5.5."""

Frame = dict[str, Any]


def close_reason(text: str) -> str:
    """Cut a reason to what fits into a close frame, between characters."""
    return text.encode()[:MAX_REASON_BYTES].decode(errors="ignore")


def error_frame(code: str, message: str, *, retryable: bool, **named: str | None) -> Frame:
    """An `error` frame; `named` may hold field, component and message_id."""
    frame: Frame = {"type": "error", "code": code, "message": message, "retryable": retryable}
    return frame | {name: value for name, value in named.items() if value is not None}


class Ending(NamedTuple):
    """A close code and its reason; `error` is the frame that goes first, if one does."""

    code: int
    reason: str
    error: Frame | None = None
    counted_as: str | None = None

    @property
    def label(self) -> str:
        """The reason as metrics have it: without what is different each time."""
        return self.counted_as or self.reason


class ConversationEnded(Exception):
    """The backend ends this conversation."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(f"{ending.code} {ending.reason}")
        self.ending = ending


SHUTDOWN = Ending(GOING_AWAY, "shutdown")
IDLE = Ending(NORMAL, "idle_timeout")
SLOW_CONSUMER = Ending(TRY_AGAIN_LATER, "slow_consumer")
STARTING = Ending(TRY_AGAIN_LATER, "starting", error_frame("starting", "The backend is starting.", retryable=True))
SHUTTING_DOWN = Ending(
    TRY_AGAIN_LATER, "shutting_down", error_frame("shutting_down", "The backend is shutting down.", retryable=True)
)
TOO_MANY_CONNECTIONS = Ending(
    TRY_AGAIN_LATER,
    "too_many_connections",
    error_frame("too_many_connections", "This user has too many connections.", retryable=True),
)
RATE_LIMITED = Ending(
    POLICY_VIOLATION,
    "rate_limited",
    error_frame("rate_limited", "Too many messages within a minute.", retryable=True),
)


def startup_failed(component: str, description: str) -> Ending:
    """The backend did not start, and the client is told because of which component."""
    error = error_frame("startup_failed", description, retryable=True, component=component)
    return Ending(TRY_AGAIN_LATER, close_reason(f"startup_failed:{component}"), error)


def unauthenticated(code: str, message: str) -> Ending:
    """No token, or none that is accepted. The code is the reason too."""
    return Ending(POLICY_VIOLATION, code, error_frame(code, message, retryable=False))


def dependency_unavailable(component: str) -> Ending:
    """Who the client is cannot be found out now."""
    error = error_frame(
        "dependency_unavailable", f"{component} cannot be reached now.", retryable=True, component=component
    )
    return Ending(TRY_AGAIN_LATER, close_reason(f"dependency_unavailable:{component}"), error)


def message_too_big(limit: int) -> Ending:
    """A message exceeds WEBSOCKET_MAX_MESSAGE_BYTES."""
    error = error_frame("message_too_big", f"A message may have {limit} bytes.", retryable=False)
    return Ending(MESSAGE_TOO_BIG, "message_too_big", error)


def internal_error(incident: str) -> Ending:
    """A bug, and never a known condition; the id is in the log with the traceback."""
    error = error_frame("internal_error", f"Something broke; the log has it as {incident}.", retryable=False)
    return Ending(INTERNAL_ERROR, f"internal_error:{incident}", error, counted_as="internal_error")
