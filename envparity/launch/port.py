"""The port behind which every launcher stands: give it an environment and a boot, get a booted stack.

A launcher does I/O and gives no opinion. What it cannot promise it says in `cannot_check`.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable
from urllib.parse import urlsplit

from envparity.model.case import Boot, Case
from envparity.model.deployed.identity import Held
from envparity.model.environment import Affinity, Environment
from envparity.observe.image import ImageRecord
from envparity.observe.record import Replica, SettingFingerprint
from envparity.support.redaction import Redaction

__all__ = [
    "Endpoint",
    "Launcher",
    "LogMark",
    "Restraint",
    "Stack",
    "Waiting",
]

Waiting = Callable[[str], None]  # told in words what is being waited for


class Restraint(Protocol):
    """How a client holds itself back where others use the backend too."""

    @property
    def most_bytes(self) -> int:
        """How much one connection may bring before it is closed."""
        ...

    async def before_connecting(self) -> None:
        """Wait until one more connection may be opened."""
        ...

    async def before_sending(self) -> None:
        """Wait until one more message may be sent."""
        ...


@dataclass(frozen=True)
class Endpoint:
    """Where a client reaches the backend in this environment: through the ingress where there is one.

    `address` is what to connect to; `host` what to ask for (Host header, SNI); `tls` None for plain TCP. `path` is the
    WebSocket's, where it is another than the backend's file says; `known` the user who is known there, if only one is;
    `restraint` how a client holds itself back; `page_origin` the origin that it comes from, where `host` and `tls` do
    not say it; `hops` what stands between a client and a replica, "unknown" where that is somebody else's. `prefix`
    comes before every path that is asked for; `affinity` is by what a client comes back to its replica;
    `chooses_replica`: the ingress lets a client say which one it wants, by `REPLICA_HEADER`.
    """

    address: tuple[str, int]
    host: str
    tls: ssl.SSLContext | None
    path: str = ""
    known: Held | None = None
    restraint: Restraint | None = None
    page_origin: str = ""
    hops: Literal["none", "ingress", "unknown"] = "none"
    prefix: str = ""
    affinity: Affinity = "none"
    chooses_replica: bool = False

    @property
    def server_name(self) -> str:
        """The host without a port and without brackets, as a certificate has it."""
        return urlsplit(f"//{self.host}").hostname or ""

    @property
    def origin(self) -> str:
        """The origin of a page served from here: scheme and host, RFC 6454."""
        return self.page_origin or f"{'https' if self.tls else 'http'}://{self.host}"


@dataclass(frozen=True)
class LogMark:
    """How far the replicas' logs had come at a moment, and those of the `servers`, by name.

    What the numbers count is the stack's own matter.
    """

    positions: tuple[float, ...] = ()
    servers: Mapping[str, float] = field(default_factory=dict)


@runtime_checkable
class Stack(Protocol):
    """What can be observed of one booted environment.

    Every method has a deadline of its own and raises `DeadlineExceeded` or `LaunchError`. What can be done to it is
    asked for by protocol: `ReplicaControls`, `DependencyControls`, `NetworkControls`, `BootsWarm`, and never assumed.
    """

    @property
    def case(self) -> Case: ...
    @property
    def endpoint(self) -> Endpoint: ...
    @property
    def settings(self) -> Mapping[str, str]:
        """What the backend was given, in the clear: for making tokens. Never recorded."""
        ...

    @property
    def redaction(self) -> Redaction:
        """What of this boot is a secret, and what is shown for it."""
        ...

    @property
    def fingerprints(self) -> tuple[SettingFingerprint, ...]: ...
    @property
    def replica_count(self) -> int: ...
    @property
    def timings(self) -> Mapping[str, float]: ...

    def replica_index(self, upstream: str | None) -> int:
        """Which replica answered, by the address that the ingress names in the handshake; 0 where there is none."""
        ...

    async def log_mark(self) -> LogMark:
        """How far each log has come now; cheap."""
        ...

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        """What each replica wrote between two marks (or until now), in lines, without secrets and colours."""
        ...

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        """What the ingress and each dependency wrote since that mark, but for requests that were passed on."""
        ...

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        """The end of each dependency's log, by the dependency's name."""
        ...

    async def until_listening(self) -> None:
        """Wait until every replica that has not ended answers HTTP at all."""
        ...

    async def until_decided(self) -> object:
        """Wait until the startup of every replica has passed, failed or ended; who did none of it in time is noted."""
        ...

    async def observe_replica(self, index: int) -> Replica:
        """Health, exit status and log of one replica, now."""
        ...


@runtime_checkable
class Launcher(Protocol):
    """Boots cases."""

    @property
    def name(self) -> str: ...
    @property
    def run_id(self) -> str:
        """What everything that this launcher makes carries."""
        ...

    @property
    def cannot_check(self) -> tuple[str, ...]:
        """The guarantees that this launcher cannot give, in words."""
        ...

    @property
    def reason(self) -> str:
        """Why this one and not a better one, in words; "" where it is the best, or the one that was asked for."""
        ...

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """What containers are made from; empty where there are none."""
        ...

    def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AbstractAsyncContextManager[Stack]:
        """Start that environment in that way; on exit everything that it made is gone, whatever happened.

        The same may be booted at the same time: what a boot makes is named by the boot. The environment may be one that
        no file has, such as a hybrid of two. `waiting` is told in words what is being waited for.

        Startup goes on when this returns: `Stack.until_decided` waits for it. A backend that fails its startup is not
        an error: it is what there is to observe. Raises `LaunchError` where the environment itself could not be stood
        up.
        """
        ...

    async def close(self) -> None:
        """Leave nothing behind that carries this run's id."""
        ...
