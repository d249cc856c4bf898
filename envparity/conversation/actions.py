"""What a conversation asks of whoever drives it. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from envparity.conversation.resolving import Handshake
from envparity.model.step import Cut, Disturbance
from envparity.observe.transcript import Answerer

__all__ = [
    "Action",
    "Control",
    "Finished",
    "HttpResponse",
    "Lose",
    "Meet",
    "Open",
    "Receive",
    "SendClose",
    "SendMessage",
    "SendRequest",
    "Task",
    "WriteBytes",
]


@dataclass(frozen=True)
class Open:
    """Connect and upgrade, then call `opened`; or `timed_out`, with the phase that took too long.

    Connecting and the answer to the upgrade have `timeout_s` each. `other_than`: not on that replica, if there are
    others. `worker`: it must be known which process answers; `other_worker_than`: it must not be that one, if there are
    others. `source` names the address that the client comes from, None where it has none of its own. `narrow`: what the
    client has not read must soon be noticed by who sends.
    """

    connection: str
    handshake: Handshake
    timeout_s: float
    other_than: int | None = None
    worker: bool = False
    other_worker_than: int | None = None
    source: str | None = None
    narrow: bool = False


@dataclass(frozen=True)
class SendMessage:
    """Send that message, and those that belong to it, `count` times within `timeout_s`, else call `timed_out`.

    That the connection is closed needs no telling: `closed` does. `beside`: begin it, and go on, without a deadline.
    """

    connection: str
    message: str | bytes
    timeout_s: float
    count: int = 1
    following: tuple[str | bytes, ...] = ()
    beside: bool = False


@dataclass(frozen=True)
class WriteBytes:
    """Write these bytes to that connection as they are, with `every_s` seconds between two pieces."""

    connection: str
    pieces: tuple[bytes, ...]
    every_s: float


@dataclass(frozen=True)
class SendClose:
    """Begin the closing handshake, and do not wait for its end."""

    connection: str
    code: int
    reason: str = ""


@dataclass(frozen=True)
class Lose:
    """Have the client do that to its TCP connection: reset it, read nothing more from it, or read on."""

    connection: str
    act: Literal["drop", "stop_reading", "read_on"]


@dataclass(frozen=True)
class Receive:
    """Wait until a frame or a close of that connection was handed over; call `timed_out` after `timeout_s`.

    `stretches`: it is a deadline, which a busy machine may be given longer for; a silence is as long as it is said.
    `until_s` is when that is over: waits that have it in common are of one phase, whatever arrives between them.
    """

    connection: str
    phase: str
    timeout_s: float
    waited_for: str
    stretches: bool = True
    until_s: float = field(default=0.0, compare=False)


@dataclass(frozen=True, repr=False)
class SendRequest:
    """Send that request over HTTP on a connection of its own, and call `responded`; or `timed_out`.

    `user` is whose request it is, as the scenario says it, `source` the name of the address that it comes from.
    """

    connection: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout_s: float
    user: str = ""
    source: str | None = None


@dataclass(frozen=True, repr=False)
class HttpResponse:
    """What a request was answered: status 0 with `error` where nothing could be had or understood.

    `version` is that of HTTP, `1.1`.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""
    replica: int | None = None
    answered_by: Answerer = "unknown"
    version: str = ""


@dataclass(frozen=True)
class Control:
    """Do this to the environment and call `controlled`. `target` a dependency or a connection, `replica` an index.

    `keep`: of keys that are rotated, those that were there stay published. `words`: what a dependency is to do.
    `disturbance`: the step whose disturbance it is.
    """

    action: str
    target: str
    replica: int | None = None
    keep: bool = False
    words: tuple[str, ...] = ()
    disturbance: Disturbance | Cut | None = None


@dataclass(frozen=True)
class Meet:
    """Wait until all other clients that play the same scenario are at this point of it."""


@dataclass(frozen=True)
class Finished:
    """Close what is open, hand over what still arrives, and call `finish`. `departed`: linger for what explains it."""

    departed: bool


Task = Open | SendMessage | WriteBytes | SendClose | Lose | Receive | SendRequest | Control | Meet
Action = Task | Finished
