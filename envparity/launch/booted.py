"""What every stack that a launcher of this machine has booted can do, whatever its servers and replicas run in."""

from __future__ import annotations

import asyncio
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from envparity.backend import Backend
from envparity.case import Case
from envparity.environment import Environment
from envparity.errors import LaunchError
from envparity.launch.health import HealthProbe
from envparity.launch.port import Endpoint
from envparity.launch.postgres_session import PostgresSession
from envparity.launch.proxy import Proxy
from envparity.launch.resolve import ResolvedSetting
from envparity.launch.secrets import redact
from envparity.launch.warm.client import WarmAgent
from envparity.launch.warm.command import PythonCommand
from envparity.observe.record import Replica, SettingFingerprint
from envparity.observe.startup import read_log

__all__ = ["LOG_LINES", "AgentBeside", "BootedDependency", "BootedReplica", "BootedStack", "direct_endpoint"]

LOG_LINES = 60
"""How much of the end of a log is kept."""


@dataclass
class BootedDependency(ABC):
    """A dependency, and the proxy through which the backend sees it."""

    name: str
    kind: str
    proxy: Proxy

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
    that PostgreSQL may make folders in, where that is quick; `fingerprints_of` uses this run's salt.
    """

    case: Case
    backend: Backend
    environment: Environment
    endpoint: Endpoint
    resolved: tuple[ResolvedSetting, ...]
    fingerprints: tuple[SettingFingerprint, ...]
    fingerprints_of: Callable[[tuple[ResolvedSetting, ...]], tuple[SettingFingerprint, ...]]
    replicas: list[R]
    dependencies: dict[str, D]
    dependency_tls: Mapping[str, ssl.SSLContext]
    secret_values: tuple[str, ...]
    proxy_host: str
    memory_folder: str
    addresses: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, str]:
        return {one.name: one.value for one in self.resolved}

    @property
    def replica_count(self) -> int:
        return len(self.replicas)

    def replica_index(self, upstream: str | None) -> int:
        """Which replica an `X-Envparity-Upstream` header names; 0 where there is no ingress to say so."""
        if upstream is None:
            return 0
        return self.addresses.get(upstream.split(",")[-1].strip(), 0)

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
            replica.probe.ask(health.live), replica.probe.ask(health.ready), replica.probe.startup()
        )
        exit_code, oom_killed = await self.replica_end(replica)
        log = await self.replica_log(replica)
        return Replica(
            index=index,
            live=live,
            ready=ready,
            startup=startup or read_log(log, self.backend.report),
            exit_code=exit_code,
            oom_killed=oom_killed,
            log_tail=log,
            undecided_after_s=replica.undecided_after_s,
        )

    async def cut_dependency(self, name: str) -> None:
        await self.dependency(name).proxy.down()

    async def restore_dependency(self, name: str) -> None:
        await self.dependency(name).proxy.up()

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
    async def redis_command(self, dependency: str, command: tuple[str, ...]) -> None: ...

    @abstractmethod
    async def connect_proxy(self, dependency: D) -> None:
        """Point its proxy at the server once that answers. Raises `DeadlineExceeded` with the end of its log."""

    @abstractmethod
    async def note_addresses(self) -> None:
        """Learn the addresses by which the ingress names the replicas."""

    @abstractmethod
    async def replica_log(self, replica: R) -> tuple[str, ...]:
        """The end of what that replica has written, without the secrets."""

    @abstractmethod
    async def replica_end(self, replica: R) -> tuple[int | None, bool]:
        """Its exit code, None while it runs; and whether it was killed for want of memory."""

    @abstractmethod
    async def dependency_log(self, dependency: D) -> tuple[str, ...]:
        """The end of what that server has written, without the secrets."""

    @abstractmethod
    def argv(self) -> Sequence[str]:
        """What starts a replica: the program and its arguments."""

    @abstractmethod
    def agent_beside(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        """A warm agent under the platform's limits, for that many boots at a time. Raises `WarmUnavailable`."""

    @abstractmethod
    def postgres_session(self, name: str) -> AbstractAsyncContextManager[PostgresSession]:
        """A session with that PostgreSQL as its superuser."""

    def redacted(self, text: str) -> tuple[str, ...]:
        """Its lines, without the secrets."""
        return tuple(redact(text, self.secret_values).splitlines())

    def _ended_check(self, replica: R) -> Callable[[], Awaitable[bool]]:
        async def ended() -> bool:
            return (await self.replica_end(replica))[0] is not None

        return ended


def direct_endpoint(port: int) -> Endpoint:
    """Where a client reaches a replica that has no ingress in front of it, on the loopback interface."""
    return Endpoint(("127.0.0.1", port), f"localhost:{port}", None)
