"""What shows that a rule was broken, as data: quotes, excerpts, counts. The words are made in `report.wording`."""

from __future__ import annotations

import msgspec

from envparity.observe.transcript import ConnectionClosed, DeadlinePassed, Event, HandshakeAnswered

__all__ = [
    "BACKEND_LOG",
    "LAUNCHER_LOG",
    "ClientTold",
    "ConnectionOutcome",
    "Contradictions",
    "Counts",
    "DeclaredBecause",
    "Evidence",
    "Excerpt",
    "HeadersLost",
    "KeptIn",
    "LogQuote",
    "Logged",
    "Note",
    "ObservedDifference",
    "OrderShown",
    "Parted",
    "ReplicasReached",
    "Reproduced",
    "SameIn",
    "SeenIn",
    "SideBySide",
    "SilentWait",
    "StartupFailed",
    "Traceback",
    "Undecided",
    "UnfinishedStep",
    "Unplayed",
    "WhoAnswered",
]


LAUNCHER_LOG = "launcher"
"""The source of what the launcher says of an environment that it could not stand up."""

BACKEND_LOG = "backend"
"""The source of what the backend logged."""


class LogQuote(msgspec.Struct, frozen=True, tag="log"):
    """Lines of a log as they stand there; `source` is whose: `backend`, the name of a server, `launcher`."""

    source: str
    lines: tuple[str, ...] = ()


class Logged(msgspec.Struct, frozen=True, tag="logged"):
    """What one source logged in the moments of a failure; `more` lines of it are not quoted."""

    source: str
    lines: tuple[str, ...]
    more: int = 0


class WhoAnswered(msgspec.Struct, frozen=True, tag="answered"):
    """The handshake that was refused: by whom, how, what the client had sent and what of it arrived."""

    handshake: HandshakeAnswered


class HeadersLost(msgspec.Struct, frozen=True, tag="lost"):
    """A handshake whose headers did not all arrive at the replica."""

    handshake: HandshakeAnswered


class ReplicasReached(msgspec.Struct, frozen=True, tag="placed"):
    """On which replica (from 0) each connection was."""

    replicas: tuple[tuple[str, int], ...]


class SilentWait(msgspec.Struct, frozen=True, tag="silence"):
    """A wait for a frame that did not come, and the server's close that ended it; None: the client gave up."""

    waited: DeadlinePassed
    close: ConnectionClosed | None = None


class Traceback(msgspec.Struct, frozen=True, tag="traceback"):
    """What a log says was raised last: the innermost place, then the exception."""

    lines: tuple[str, ...]


class Excerpt(msgspec.Struct, frozen=True, tag="excerpt"):
    """Events of a conversation. `step` is the step (from 0) that they came before; `named` tells the connections."""

    events: tuple[Event, ...]
    step: int | None = None
    named: bool = False


class SideBySide(msgspec.Struct, frozen=True, tag="sides"):
    """What came next on either side, by the side's name; None where nothing more came."""

    sides: tuple[tuple[str, Event | None], ...]


class Parted(msgspec.Struct, frozen=True, tag="parted"):
    """Where two observations part: at which step of startup, or which entry of a scenario's conversation (from 1).

    `scenario` is empty where it is the startup, `connection` where there is one alone; `common` is what they have in
    common before that, empty at the very beginning.
    """

    number: int
    sides: tuple[tuple[str, str], ...]
    scenario: str = ""
    connection: str = ""
    common: str = ""


class ConnectionOutcome(msgspec.Struct, frozen=True):
    """One connection as the client saw it: the status of its handshake, an error frame, the peer's close.

    `served` is a frame that a working backend would send; `waiting` is True where nothing more came in time.
    """

    status: int
    error: dict[str, object] | None = None
    served: str | None = None
    close: tuple[int, str] | None = None
    waiting: bool = False


class ClientTold(msgspec.Struct, frozen=True, tag="client"):
    """What the first client was told (None: none connected); `wrongly` of `of` were not told as promised."""

    outcome: ConnectionOutcome | None
    wrongly: int = 0
    of: int = 0


class StartupFailed(msgspec.Struct, frozen=True, tag="startup"):
    """A startup failure in the backend's own words. `environment` and `component` only where the finding has others."""

    description: str
    code: str = ""
    component: str = ""
    action: str = ""
    environment: str = ""


class UnfinishedStep(msgspec.Struct, frozen=True):
    """A step of startup that is not done."""

    name: str
    outcome: str
    waited_for: str | None = None


class Undecided(msgspec.Struct, frozen=True, tag="undecided"):
    """How long a startup without an end was waited for, in seconds, and what it was at."""

    after_s: float
    steps: tuple[UnfinishedStep, ...] = ()


class Contradictions(msgspec.Struct, frozen=True, tag="contradictions"):
    """What in a startup report, or beside it, cannot be true as well; `more` of them are not quoted."""

    said: tuple[str, ...]
    more: int = 0


class ObservedDifference(msgspec.Struct, frozen=True, tag="difference"):
    """One path at which a normalised observation differs from the baseline's.

    `baseline` and `other` name the environments, `expected` and `got` are the values there as JSON, or `absent`.
    """

    path: str
    baseline: str
    other: str
    expected: str
    got: str


class DeclaredBecause(msgspec.Struct, frozen=True, tag="declared"):
    """The reason of a declaration, and paths that it covers or would have covered."""

    reason: str
    paths: tuple[str, ...] = ()


class OrderShown(msgspec.Struct, frozen=True, tag="order"):
    """An order of initialisation, of dependencies, or both, in which it shows; neither: as the environment boots."""

    order: tuple[str, ...] = ()
    timeline: tuple[str, ...] = ()


class Counts(msgspec.Struct, frozen=True, tag="counts"):
    """In an environment, `shown` of `of` show it; `noun` is what those are called, in the plural."""

    environment: str
    shown: int
    of: int
    noun: str


class KeptIn(msgspec.Struct, frozen=True, tag="kept"):
    """The environments in which the same script was kept to."""

    environments: tuple[str, ...]


class SameIn(msgspec.Struct, frozen=True, tag="same"):
    """Other scenarios that show the same."""

    scenarios: tuple[str, ...]


class SeenIn(msgspec.Struct, frozen=True, tag="seen"):
    """What other environments have to show of the same failure, beyond what the first one shows."""

    environments: tuple[str, ...]
    evidence: tuple[Evidence, ...]


class Reproduced(msgspec.Struct, frozen=True, tag="reproduced"):
    """Where a fresh container showed what a fork had shown."""

    environments: tuple[str, ...]


class Unplayed(msgspec.Struct, frozen=True, tag="unplayed"):
    """How many scenarios were not played any more."""

    scenarios: int


class Note(msgspec.Struct, frozen=True, tag="note"):
    """A remark for people. No code reads it."""

    text: str


Evidence = (
    LogQuote
    | Logged
    | WhoAnswered
    | HeadersLost
    | ReplicasReached
    | SilentWait
    | Traceback
    | Excerpt
    | SideBySide
    | Parted
    | ClientTold
    | StartupFailed
    | Undecided
    | Contradictions
    | ObservedDifference
    | DeclaredBecause
    | OrderShown
    | Counts
    | KeptIn
    | SameIn
    | SeenIn
    | Reproduced
    | Unplayed
    | Note
)
