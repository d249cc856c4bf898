"""What every stack that a launcher of this machine has booted can do, whatever its servers and replicas run in."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Generic, Protocol, TypeVar

from envparity.dependency.kind import (
    KINDS,
    Administered,
    Administrator,
    Beside,
    Server,
    TakesCommands,
    Watched,
    kind_of,
)
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.health import HealthProbe
from envparity.launch.port import Endpoint, LogMark
from envparity.launch.proxy import Proxy
from envparity.launch.resolve import ResolvedSetting
from envparity.launch.warm.client import WarmAgent
from envparity.launch.warm.command import PythonCommand, WarmUnavailable
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.environment import Dependency, Environment, Ingress
from envparity.observe.record import HttpAnswer, JobRun, Replica, SettingFingerprint, StartupReport
from envparity.observe.startup import read_log
from envparity.redaction import Redaction

__all__ = [
    "LOG_LINES",
    "AgentBeside",
    "BootedDependency",
    "BootedReplica",
    "BootedStack",
    "administered",
    "answers",
    "direct_endpoint",
    "patience_of",
]


class ServerLog(Protocol):
    """The log of something that stands beside the replicas."""

    def position(self) -> float:
        """How far it has come: a number that only `since` understands."""
        ...

    async def since(self, begin: float) -> str:
        """What it has written since then."""
        ...


_BECOMES_READY_S = 3.0

LOG_LINES = 60
"""How much of the end of a server's log, or a warm boot's, is kept; that of a replica is kept as `log_text` says."""


@dataclass
class BootedDependency(ABC):
    """A dependency, and the proxy through which the backend sees it."""

    name: str
    kind: str
    proxy: Proxy
    password: str = field(repr=False)
    beside: list[Proxy] = field(default_factory=list, init=False)
    """Those through which other dependencies see it, which are never cut."""

    def reached_at(self, address: tuple[str, int]) -> None:
        """From now on it is behind its proxies."""
        for proxy in (self.proxy, *self.beside):
            proxy.upstream = address

    @property
    @abstractmethod
    def there(self) -> bool:
        """Whether it was started at all: a boot may keep it down."""


@dataclass
class BootedReplica:
    """A replica, and how to ask it for its health; the probe changes when it is started again."""

    index: int
    probe: HealthProbe
    undecided_after_s: float | None = field(default=None, init=False)

    async def close(self) -> None:
        await self.probe.close()


@dataclass(frozen=True)
class AgentBeside:
    """A warm agent beside the replicas. `ports` are those that its boots may listen on, each with the port of 127.0.0.1
    behind which that is.
    """

    agent: WarmAgent
    ports: Mapping[int, int]


R = TypeVar("R", bound=BootedReplica)
D = TypeVar("D", bound=BootedDependency)


@dataclass(kw_only=True)
class BootedStack(ABC, Generic[R, D]):
    """A `Stack` (see launch.port), as far as all are the same, and what warm boots need of it.

    `proxy_host` is this machine's address under which the backend finds its dependencies' proxies; `memory_folder` one
    that servers may make folders in, where that is quick; `fingerprints_of` uses this run's salt; `keys` are private
    keys that tokens are made with, by names that no setting has; `urls` are those of the dependencies. `resolve` gives
    the settings of a boot of this environment as the files say them, with other values for some of its `sources`, which
    are what settings may take from it; the backend finds the authority's certificate at `ca_path`.
    """

    case: Case
    backend: Backend
    environment: Environment
    endpoint: Endpoint
    resolved: tuple[ResolvedSetting, ...]
    keys: Mapping[str, str] = field(repr=False)
    urls: Mapping[str, str] = field(repr=False)
    fingerprints: tuple[SettingFingerprint, ...]
    fingerprints_of: Callable[[tuple[ResolvedSetting, ...]], tuple[SettingFingerprint, ...]]
    resolve: Callable[[Boot, Mapping[str, str]], tuple[ResolvedSetting, ...]]
    sources: Mapping[str, str] = field(repr=False)
    ca_path: str
    replicas: list[R]
    dependencies: dict[str, D]
    dependency_tls: Mapping[str, ssl.SSLContext]
    redaction: Redaction
    proxy_host: str
    memory_folder: str
    server_logs: dict[str, ServerLog] = field(
        default_factory=dict
    )  # of the ingress and the dependencies that are there
    addresses: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    jobs: list[JobRun] = field(default_factory=list)
    looked_at: set[int] = field(default_factory=set)  # the replicas whose readiness was asked for

    @property
    def settings(self) -> Mapping[str, str]:
        return {**self.keys, **{one.name: one.value for one in self.resolved}}

    @property
    def replica_count(self) -> int:
        return len(self.replicas)

    def replica_index(self, upstream: str | None) -> int:
        """Which replica an `X-Envparity-Upstream` header names; 0 where there is no ingress to say so."""
        if upstream is None:
            return 0
        return self.addresses.get(upstream.split(",")[-1].strip(), 0)

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        """What became known as a secret only while this ran (`HidesSecrets`)."""
        self.redaction = self.redaction.and_of(secrets)

    async def until_listening(self) -> None:
        """Wait until every replica that has not ended answers HTTP at all."""
        timeout_s = self.backend.phases.boot_s
        await asyncio.gather(*(one.probe.until_listening(timeout_s, self._ended_check(one)) for one in self.replicas))

    async def until_decided(self) -> None:
        """Wait until every replica's startup has passed, failed or ended; note those that did none of it in time."""
        timeout_s = self.backend.phases.boot_s

        async def one(replica: R) -> None:
            began = time.monotonic()
            ended = self._ended_check(replica)
            decided = await replica.probe.until_decided(timeout_s, ended, lambda: self.replica_log(replica))
            if not decided and not await ended():
                replica.undecided_after_s = round(time.monotonic() - began, 1)

        began = time.monotonic()
        await asyncio.gather(*(one(replica) for replica in self.replicas))
        self.timings["startup"] = round(time.monotonic() - began, 3)

    async def until_ready(self, index: int | None = None) -> None:
        chosen = self.replicas if index is None else [self.replicas[index]]
        timeout_s = self.backend.phases.boot_s
        await asyncio.gather(
            *(one.probe.until_ready(f"replica {one.index}", timeout_s, self._ended_check(one)) for one in chosen)
        )

    async def observe_replica(self, index: int) -> Replica:
        replica = self.replicas[index]
        health = self.backend.health
        live, ready, startup = await asyncio.gather(
            replica.probe.ask(health.live), self._ready(replica), replica.probe.startup()
        )
        exit_code, oom_killed = await self.replica_end(replica)
        listening = exit_code is None and await replica.probe.listens()
        log = await self.replica_log(replica)
        return Replica(
            index=index,
            live=live,
            ready=ready,
            startup=startup or self._read_log(log, listening=listening),
            exit_code=exit_code,
            oom_killed=oom_killed,
            log=log,
            undecided_after_s=replica.undecided_after_s,
            listening=listening,
        )

    async def _ready(self, replica: R) -> HttpAnswer | None:
        """What its readiness answers; where nothing was kept from it, after a moment in which it may become ready.

        A dependency that answers late on a busy machine makes one answer say no; that is no readiness that says no.
        """
        path, boot = self.backend.health.ready, self.case.boot
        answer = await replica.probe.ask(path)
        failed = replica.probe.decided_with is not None and replica.probe.decided_with.status == "fail"
        withheld = boot.down or boot.unreachable_at_start or replica.index in self.looked_at
        self.looked_at.add(replica.index)
        if answer is None or answer.status == HTTPStatus.OK or failed or withheld:
            return answer
        with contextlib.suppress(DeadlineExceeded):
            await replica.probe.until_ready(f"replica {replica.index}", _BECOMES_READY_S, self._ended_check(replica))
        return await replica.probe.ask(path)

    async def log_mark(self) -> LogMark:
        positions = tuple([await self.log_position(replica) for replica in self.replicas])
        return LogMark(positions, {name: log.position() for name, log in self.server_logs.items()})

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(line for line in self.redacted(await log.since(first.servers[name])) if not _is_request(line))
            for name, log in self.server_logs.items()
            if name in first.servers
        }

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        ends: tuple[float | None, ...] = (None,) * len(first.positions) if last is None else last.positions
        asked = zip(self.replicas, first.positions, ends, strict=True)
        return tuple([await self.logged(replica, begin, end) for replica, begin, end in asked])

    async def cut_dependency(self, name: str) -> None:
        await self.dependency(name).proxy.down()

    async def restore_dependency(self, name: str) -> None:
        await self.dependency(name).proxy.up()

    async def command_dependency(self, name: str, command: tuple[str, ...]) -> object:
        """Have that dependency do it, directly and not through the proxy."""
        dependency, kind = self.dependency(name), kind_of(self.environment.dependencies[name])
        if not isinstance(kind, TakesCommands):
            raise LaunchError(f"{name} is of the kind {dependency.kind}, which takes no commands: {command[0]}")
        if dependency.proxy.upstream is None:
            raise LaunchError(f"{name} is down in this boot: cannot run {command[0]}")
        server = Server(*dependency.proxy.upstream, dependency.password, self.dependency_tls.get(name))
        try:
            with KINDS.guarding(kind):
                return await kind.command(server, command)
        except LaunchError as error:
            raise LaunchError(f"{name} refused {command[0]}: {self.redaction.text(str(error))}") from error

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        """The end of each dependency's log."""
        return {name: await self.dependency_log(one) for name, one in self.dependencies.items() if one.there}

    def dependency(self, name: str) -> D:
        """That dependency. Raises `LaunchError` where there is none of that name."""
        if name not in self.dependencies:
            raise LaunchError(f"{self.environment.name} has no dependency {name!r}")
        return self.dependencies[name]

    @abstractmethod
    async def stop_replica(self, index: int) -> None: ...

    @abstractmethod
    async def start_replica(self, index: int) -> None: ...

    @abstractmethod
    async def restart_dependency(self, name: str) -> None: ...

    @abstractmethod
    async def connect_proxy(self, dependency: D) -> None:
        """Point its proxy at the server once that answers. Raises `DeadlineExceeded` with the end of its log."""

    @abstractmethod
    async def note_addresses(self) -> None:
        """Learn the addresses by which the ingress names the replicas."""

    @abstractmethod
    async def replica_log(self, replica: R) -> tuple[str, ...]:
        """What that replica has written, as `log_text` keeps it, without the secrets."""

    @abstractmethod
    async def log_position(self, replica: R) -> float:
        """How far its log has come: a number that only `logged` understands."""

    @abstractmethod
    async def logged(self, replica: R, begin: float, end: float | None) -> tuple[str, ...]:
        """What it has written between two positions, or until now, without the secrets."""

    @abstractmethod
    async def replica_end(self, replica: R) -> tuple[int | None, bool]:
        """Its exit code, None while it runs; and whether it was killed for want of memory."""

    @abstractmethod
    async def dependency_log(self, dependency: D) -> tuple[str, ...]:
        """The end of what that server has written, without the secrets."""

    @abstractmethod
    def argv(self) -> Sequence[str]:
        """What starts a replica: the program and its arguments, with `{port}` where its file has that."""

    @abstractmethod
    def agent_beside(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        """A warm agent under the platform's limits, for that many boots at a time. Raises `WarmUnavailable`."""

    @abstractmethod
    def administrator(self, name: str) -> AbstractAsyncContextManager[Administrator]:
        """A session with that server as who may do everything in it. Raises `WarmUnavailable`."""

    def redacted(self, text: str) -> tuple[str, ...]:
        """Its lines, without the secrets."""
        return tuple(self.redaction.text(text).splitlines())

    def _read_log(self, log: Sequence[str], *, listening: bool) -> StartupReport | None:
        """The startup of a backend that has no report, by its log."""
        return None if self.backend.health.startup else read_log(log, self.backend.report, listening=listening)

    def _ended_check(self, replica: R) -> Callable[[], Awaitable[bool]]:
        async def ended() -> bool:
            return (await self.replica_end(replica))[0] is not None

        return ended


def administered(declared: Dependency) -> Administered:
    """The kind of that dependency, as one whose servers have an administrator. Raises `WarmUnavailable`."""
    kind = kind_of(declared)
    if not isinstance(kind, Administered):
        raise WarmUnavailable(f"a {declared.kind} has no administrator")
    return kind


async def answers(declared: Dependency, server: Server, beside: Beside) -> bool:
    """Whether the server of that dependency answers. Raises `DoorFailed` where its kind's own code fails."""
    kind = kind_of(declared)
    with KINDS.guarding(kind):
        if isinstance(kind, Watched):
            return await kind.ready(declared, server, beside)
        return await kind.answers(server)


def patience_of(declared: Dependency) -> float:
    """How long that dependency may take until it answers, in seconds. Raises `DoorFailed`."""
    kind = kind_of(declared)
    with KINDS.guarding(kind):
        return kind.patience_s(declared)


def _is_request(line: str) -> bool:
    """Whether it is a line of the ingress's log of requests (see docker/ingress)."""
    return line.startswith('{"time":') and '"request_time_s":' in line


def direct_endpoint(port: int, ingress: Ingress) -> Endpoint:
    """Where a client reaches a replica that has no ingress in front of it, on the loopback interface.

    It asks for the environment's host, and comes from the environment's origin: both are what `ingress.host` and
    `ingress.origin` have told the backend, whatever port it is behind here. So does the prefix that an ingress leaves.
    """
    address = ("127.0.0.1", port)
    return Endpoint(address, ingress.host, None, page_origin=ingress.origin, prefix=ingress.backend_prefix)
