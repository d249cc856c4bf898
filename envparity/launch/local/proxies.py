"""The proxies in front of the dependencies of a boot on this machine, before anything is behind them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

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

    async def open(self, exits: AsyncExitStack, name: str, host: str) -> tuple[Proxy, list[Proxy]]:
        """The one through which the backend comes to that dependency, and those through which other dependencies do.

        They refuse, for nothing is behind them yet.
        """
        environment = self.environment
        replicas, jobs = environment.platform.replicas, environment.jobs
        longest_s = LONGEST_AFTER_PAUSES_S if name in self.boot.unreachable_at_start else LONGEST_S
        together = replicas > 1 and not self.boot.apart_s
        line = StartingLine(replicas, longest_s) if together and not jobs else None  # else when the jobs are over
        proxy = await exits.enter_async_context(Proxy(host, upstream=None, name=name, line=line))
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

    def lines(self, dependencies: Iterable[BootedDependency]) -> Iterator[tuple[StartingLine, BootedDependency]]:
        """A line for each dependency at which replicas wait for each other; none for one replica."""
        replicas = self.environment.platform.replicas
        if replicas > 1:
            yield from ((StartingLine(replicas), dependency) for dependency in dependencies)
