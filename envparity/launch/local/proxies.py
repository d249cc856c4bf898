"""The proxies in front of the dependencies of a boot on this machine, before anything is behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

from envparity.dependency.kind import KINDS, kind_of
from envparity.errors import LaunchError
from envparity.launch.local.given import StackNetwork
from envparity.launch.local.parts import BootedDependency
from envparity.launch.placing import needs
from envparity.launch.proxy import Latency, Proxy
from envparity.launch.starting_line import LONGEST_AFTER_PAUSES_S, LONGEST_S, StartingLine
from envparity.model.case import Boot
from envparity.model.environment import Environment

__all__ = ["DependencyProxies"]


@dataclass(frozen=True)
class DependencyProxies:
    """Those of one boot, as slow as its environment says; replicas that start together wait at them for each other."""

    environment: Environment
    boot: Boot

    async def open(self, exits: AsyncExitStack, name: str, place: StackNetwork) -> tuple[Proxy, list[Proxy]]:
        """The one through which the backend comes to that dependency, and those through which other dependencies do.

        They refuse, for nothing is behind them yet. Raises `LaunchError` where the port of a server that code names by
        its host is somebody else's.
        """
        host, usual_port = place.proxy_host, self._usual_port(name, place)
        environment = self.environment
        replicas, jobs = environment.platform.replicas, environment.jobs
        longest_s = LONGEST_AFTER_PAUSES_S if name in self.boot.unreachable_at_start else LONGEST_S
        together = replicas > 1 and not self.boot.apart_s
        line = StartingLine(replicas, longest_s) if together and not jobs else None  # else when the jobs are over
        proxy = Proxy(host, upstream=None, name=name, line=line, usual_port=usual_port)
        try:
            await exits.enter_async_context(proxy)
        except OSError as error:
            hosts = ", ".join(environment.dependencies[name].hosts)
            said = f"port {usual_port} of {host}, where {hosts} is reached, cannot be had: {error.strerror}"
            raise LaunchError(f"{name}: {said}") from None
        beside = []
        if any(name in needs(environment, other) for other in environment.dependencies):
            between = Proxy(host, upstream=None, name=f"{name}, for dependencies")
            beside.append(await exits.enter_async_context(between))
        if by_s := dict(self.boot.slow).get(name):
            proxy.add(Latency(name="slow in this boot", latency_ms=by_s * 1000))
        latency_ms = environment.dependencies[name].latency_ms
        for each in (proxy, *beside) if latency_ms else ():
            each.add(Latency(latency_ms=latency_ms))
        return proxy, beside

    def _usual_port(self, name: str, place: StackNetwork) -> int | None:
        """Where code looks for that dependency by a name of its own; None where it does not, or finds no names."""
        declared = self.environment.dependencies[name]
        if not declared.hosts or place.dependency_host:
            return None
        kind = kind_of(declared)
        with KINDS.guarding(kind):
            return kind.container(declared, "").port

    def lines(self, dependencies: Iterable[BootedDependency]) -> Iterator[tuple[StartingLine, BootedDependency]]:
        """A line for each dependency at which replicas wait for each other; none for one replica."""
        replicas = self.environment.platform.replicas
        if replicas > 1:
            yield from ((StartingLine(replicas), dependency) for dependency in dependencies)
