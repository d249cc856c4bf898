"""What happened in one conversation, as typed events: frozen, JSON-serialisable, without an opinion."""

from __future__ import annotations

from typing import Literal

import msgspec

from envparity.observe.disturbed import Disturbed
from envparity.observe.frame import Frame
from envparity.observe.headers import Cookie, Header

__all__ = [
    "Answerer",
    "Clients",
    "ConnectionClosed",
    "ControlDone",
    "Crossed",
    "DeadlinePassed",
    "Departure",
    "DepartureKind",
    "Event",
    "FrameReceived",
    "FrameSent",
    "HandshakeAnswered",
    "Header",
    "HttpAnswered",
    "LoggedLines",
    "SilenceKept",
    "Transcript",
    "violations_of",
]


Amount = int | float | str


class LoggedLines(msgspec.Struct, frozen=True):
    """What one `source` ("replica 1", "ingress", a dependency's name) logged in the moments of a failure.

    `left_out` lines before these were more than is kept. `is_replica` False: one of the servers beside the replicas.
    """

    source: str
    lines: tuple[str, ...]
    left_out: int = 0
    is_replica: bool = True


Answerer = Literal["replica", "ingress", "nobody", "unknown"]


class _Event(msgspec.Struct, frozen=True, tag_field="kind"):
    """One thing that happened: `at_s` seconds since the scenario began, `connection` the script's name for it, `phase`
    one of connect, accept, authenticate, message, close, control, http.
    """

    at_s: float
    connection: str
    phase: str

    @property
    def kind(self) -> str:
        """The word for it in files and reports: `handshake`, `received`."""
        return str(self.__struct_config__.tag)


class HandshakeAnswered(_Event, frozen=True, tag="handshake"):
    """An upgrade was answered (RFC 6455 §4.2.2), or a session of long polling opened (`polling`): status 0 and `error`
    where no answer could be had or understood.

    `replica` is the one that answered, or was asked last, where that is known; `answered_by` says who did. `body` is
    the beginning of a refusal's. `sent` is what the client said of itself, `arrived` what of it and of the forwarding
    headers the replica got (None: not known, or no replica was asked), `lost` the names of what was sent in vain.
    `withheld` are the cookies that the client keeps and did not send, each with the reason; `extensions` those that
    were agreed upon, with their parameters. `headers` are the answer's but for those of its way, `cookies` what it set.
    """

    status: int
    subprotocol: str | None = None
    replica: int | None = None
    error: str = ""
    answered_by: Answerer = "unknown"
    body: str = ""
    sent: tuple[Header, ...] = ()
    arrived: tuple[Header, ...] | None = None
    lost: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    headers: tuple[Header, ...] = ()
    cookies: tuple[Cookie, ...] = ()
    polling: bool = False

    @property
    def accepted(self) -> bool:
        """Whether there is a connection from then on."""
        return not self.error and self.status == (200 if self.polling else 101)


class HttpAnswered(_Event, frozen=True, tag="http"):
    """A request over HTTP was answered: `request` as the script says it, `target` as it was asked for; status 0 and
    `error` where no answer could be had or understood.

    `headers` are the answer's but for those of its way, `cookies` what it set for a client that keeps cookies,
    `withheld` the cookies that did not go out with the request, each with the reason. `version` is that of HTTP.
    """

    request: str
    target: str
    status: int
    headers: tuple[Header, ...] = ()
    body: Frame | None = None
    cookies: tuple[Cookie, ...] = ()
    withheld: tuple[str, ...] = ()
    error: str = ""
    replica: int | None = None
    answered_by: Answerer = "unknown"
    version: str = ""


class FrameSent(_Event, frozen=True, tag="sent"):
    """The client sent a frame; `count` times in a flood, or padded to `size` bytes, both as the script says it.

    `violations` are what the AsyncAPI contract says against it.
    """

    frame: Frame
    count: Amount | None = None
    size: Amount | None = None
    violations: tuple[str, ...] = ()


class FrameReceived(_Event, frozen=True, tag="received"):
    """The backend sent a frame; `violations` are what the AsyncAPI contract says against it."""

    frame: Frame
    violations: tuple[str, ...] = ()


class ConnectionClosed(_Event, frozen=True, tag="close"):
    """A connection ended, with the close code and reason of RFC 6455 §7.4, begun by the client or the server."""

    code: int
    reason: str = ""
    by: Literal["client", "server"] = "server"
    violations: tuple[str, ...] = ()


class SilenceKept(_Event, frozen=True, tag="silence"):
    """Nothing arrived for that many seconds, as was asked for."""

    seconds: float


class DeadlinePassed(_Event, frozen=True, tag="timeout"):
    """What was waited for did not come within its deadline."""

    waited_for: str
    timeout_s: float


class ControlDone(_Event, frozen=True, tag="control"):
    """What the script did to the environment: `action` is the step's name, `target` a dependency or a connection.

    `words` are a command's, as the script says them.
    `exit_code` and `seconds` tell of a replica that was stopped how and how soon it ended, `liveness` what status its
    liveness answered meanwhile: the first that was no success, else the last; `readiness` what that answered at last,
    asked for a second or more after the signal.
    """

    action: str
    target: str = ""
    exit_code: int | None = None
    seconds: float | None = None
    words: tuple[str, ...] = ()
    liveness: int | None = None
    readiness: int | None = None


Event = (
    HandshakeAnswered
    | HttpAnswered
    | FrameSent
    | FrameReceived
    | ConnectionClosed
    | SilenceKept
    | DeadlinePassed
    | ControlDone
)

DepartureKind = Literal["handshake", "http", "frame", "close", "timeout", "silence", "control"]


class Departure(msgspec.Struct, frozen=True):
    """Where a conversation left its script: the step (0-based), what was expected, what came instead.

    `kind` is what parted: a handshake's answer, one over HTTP, a frame, a close, a deadline, a broken silence, a
    control step.
    """

    step: int
    kind: DepartureKind
    expected: str
    got: str
    connection: str = ""


class Crossed(msgspec.Struct, frozen=True):
    """A frame that came to one client and carries what was made for another: both by number, the value by its name."""

    client: int
    whose: int
    name: str
    event: FrameReceived


class Clients(msgspec.Struct, frozen=True):
    """How those fared that played a scenario at the same time: `served` of `of` as the script says, `least` must be.

    `otherwise` counts what the others met: `handshake 503`, `close 1013`, `timeout`. `slowest_s` is how long the last
    of those took who were served; `accepted` how many connections each replica accepted. `crossed` are the first frames
    that came to the wrong client. `standstill_s` is for how long at most nothing came to any of them, while one that
    was not served then waited.
    """

    of: int
    served: int
    least: int
    otherwise: dict[str, int] = {}
    slowest_s: float = 0.0
    accepted: tuple[int, ...] = ()
    crossed: tuple[Crossed, ...] = ()
    standstill_s: float = 0.0


class Transcript(msgspec.Struct, frozen=True):
    """One scenario as it went. `names` maps generated values to their placeholders, for normalising.

    `said` maps the place of a value, the number of its event and its path there (`4.upload`), to what the script says
    stands there with a placeholder, `{origin}/upload`: where the script was kept to, that is what is compared.
    `logged` is what was logged from the client's last action before the failure until shortly after it; empty where
    nothing failed. `disturbed` is what the script did to the environment that was not over at once; `readiness` what
    each replica's readiness answered when the script was left after that. Where several clients played it at the same
    time, `clients` says how they fared, and the events are those of one of them. `began` is when `at_s` of its events
    was 0, in seconds since the epoch; None where that was not kept. `skipped` are, within bounds, frames that no step
    reads and that carry ids or generated values; how many such frames come is chance, and they are compared with none.
    """

    scenario: str
    group: str
    events: tuple[Event, ...] = ()
    departure: Departure | None = None
    names: dict[str, str] = {}
    said: dict[str, str] = {}
    duration_s: float = 0.0
    logged: tuple[LoggedLines, ...] = ()
    disturbed: tuple[Disturbed, ...] = ()
    readiness: tuple[int | None, ...] = ()
    clients: Clients | None = None
    began: float | None = None
    skipped: tuple[FrameReceived, ...] = ()


def violations_of(event: Event) -> tuple[str, ...]:
    """What the AsyncAPI contract says against an event; nothing where it is none that the contract speaks of."""
    return event.violations if isinstance(event, FrameSent | FrameReceived | ConnectionClosed) else ()
