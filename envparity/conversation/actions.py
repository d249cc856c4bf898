"""What a conversation asks of whoever drives it. Plain data."""

from __future__ import annotations

from dataclasses import dataclass

from envparity.conversation.script import Handshake

__all__ = ["Action", "Close", "Control", "Finished", "Open", "Receive", "Send", "Task"]


@dataclass(frozen=True)
class Open:
    """Connect and upgrade, then call `opened`; or `timed_out`, with the phase that took too long.

    Connecting and the answer to the upgrade have `timeout_s` each. `other_than`: not on that replica, if there are
    others.
    """

    connection: str
    handshake: Handshake
    timeout_s: float
    other_than: int | None = None


@dataclass(frozen=True)
class Send:
    """Send that text frame `count` times within `timeout_s`, else call `timed_out`.

    That the connection is closed needs no telling: `closed` does.
    """

    connection: str
    text: str
    timeout_s: float
    count: int = 1


@dataclass(frozen=True)
class Close:
    """Begin the closing handshake, and do not wait for its end."""

    connection: str
    code: int


@dataclass(frozen=True)
class Receive:
    """Wait until a frame or a close of that connection was handed over; call `timed_out` after `timeout_s`."""

    connection: str
    phase: str
    timeout_s: float
    waited_for: str


@dataclass(frozen=True)
class Control:
    """Do this to the environment and call `controlled`. `target` a dependency or a connection, `replica` an index."""

    action: str
    target: str
    replica: int | None = None


@dataclass(frozen=True)
class Finished:
    """Close what is open, hand over what still arrives, and call `finish`. `departed`: linger for what explains it."""

    departed: bool


Task = Open | Send | Close | Receive | Control
Action = Task | Finished
