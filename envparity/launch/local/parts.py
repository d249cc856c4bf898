"""Of what a stack of this machine is made: replicas, dependencies behind their proxies, logs; and how each is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envparity.dependency.kind import KINDS, Administered, Beside, HasShell, Server, Watched, kind_of
from envparity.errors import LaunchError
from envparity.launch.agent.client import WarmAgent
from envparity.launch.agent.command import WarmUnavailable
from envparity.launch.clocks import set_clock
from envparity.launch.health import HealthProbe
from envparity.launch.port import Endpoint
from envparity.launch.proxy import Proxy
from envparity.model.environment import Dependency, Ingress

__all__ = [
    "AgentBeside",
    "BootedDependency",
    "BootedReplica",
    "administered",
    "answers",
    "direct_endpoint",
    "is_request",
    "patience_of",
    "shell_of",
]


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
    clock: Path | None = field(default=None, init=False)
    """The file that says by how much its clock differs; None where it has the machine's."""
    clock_s: float = field(default=0.0, init=False)

    def jump_clock(self, by_s: float) -> None:
        """Put its clock forward, or back. Raises `LaunchError` where it has the machine's."""
        if self.clock is None:
            raise LaunchError(f"replica {self.index} has the clock of the machine: boot.clocks gives it one of its own")
        self.clock_s += by_s
        set_clock(self.clock, self.clock_s)

    async def close(self) -> None:
        await self.probe.close()


@dataclass(frozen=True)
class AgentBeside:
    """A warm agent beside the replicas. `ports` are those that its boots may listen on, each with the port of 127.0.0.1
    behind which that is.
    """

    agent: WarmAgent
    ports: Mapping[int, int]


def shell_of(declared: Dependency) -> tuple[str, ...]:
    """The program beside the server of that dependency that takes scripts. Raises `WarmUnavailable` where none is."""
    kind = kind_of(declared)
    if not isinstance(kind, HasShell):
        raise WarmUnavailable(f"a {declared.kind} has no program beside it")
    return kind.shell


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


def is_request(line: str) -> bool:
    """Whether it is a line of the ingress's log of requests (see docker/ingress)."""
    return line.startswith('{"time":') and '"request_time_s":' in line


def direct_endpoint(port: int, ingress: Ingress) -> Endpoint:
    """Where a client reaches a replica that has no ingress in front of it, on the loopback interface.

    It asks for the environment's host, and comes from the environment's origin: both are what `ingress.host` and
    `ingress.origin` have told the backend, whatever port it is behind here. So does the prefix that an ingress leaves.
    """
    address = ("127.0.0.1", port)
    return Endpoint(address, ingress.host, None, page_origin=ingress.origin, prefix=ingress.backend_prefix)
