"""Booting one case, from its dependencies to its ingress: what is the same whatever servers and replicas run in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from envparity.backend import Backend
from envparity.case import Case
from envparity.environment import Dependency, Environment
from envparity.launch.booted import BootedDependency, BootedReplica, BootedStack
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.dependencies import CA_PATH, dependency_sources
from envparity.launch.port import Endpoint, Waiting
from envparity.launch.proxy import Latency, Proxy
from envparity.launch.resolve import RunSecrets, fingerprints, hastened, resolve_settings
from envparity.together import together

__all__ = ["Booting", "Lasting", "Place"]

_BEGUN_S = 2.0
_LATE_S = 0.1  # what a backend needs from answering to its first attempt to connect

T = TypeVar("T")
R = TypeVar("R", bound=BootedReplica)
D = TypeVar("D", bound=BootedDependency)


@dataclass(frozen=True)
class Lasting:
    """What every boot of a run uses. `ca_file` is the authority's certificate, for the backend to read."""

    backend: Backend
    environments: Mapping[str, Environment]
    run_id: str
    secrets: RunSecrets
    authority: CertificateAuthority
    ca_file: Path


@dataclass(frozen=True)
class Place:
    """Where a stack stands. `proxy_host` is where its proxies listen, `network` the network from which the ingress
    speaks to the replicas, `ca_path` where the backend finds the authority's certificate; `dependency_host` is the host
    under which it finds every dependency ("": each by its own name).
    """

    proxy_host: str
    network: str
    ca_path: str
    dependency_host: str = ""


class Booting(ABC, Generic[R, D]):
    """The boot of one case."""

    def __init__(self, lasting: Lasting, case: Case, waiting: Waiting) -> None:
        self._lasting, self._case, self._waiting = lasting, case, waiting
        self._backend, self._authority, self._secrets = lasting.backend, lasting.authority, lasting.secrets
        self._environment = hastened(lasting.backend, lasting.environments[case.environment], case.boot)
        self._timings: dict[str, float] = {}

    async def boot(self, exits: AsyncExitStack) -> BootedStack[R, D]:
        """Start everything; whatever `exits` holds ends with it. Startup goes on when this returns."""
        place = await self._timed("network", self._place(exits))
        dependencies = {
            name: await self._proxied(exits, name, place) for name in sorted(self._environment.dependencies)
        }
        resolved = resolve_settings(
            self._backend, self._environment, self._case.boot, self._sources(place, dependencies), self._secrets
        )
        # What is recorded is what the files say; what is given says where the authority's certificate is here.
        given = tuple(replace(one, value=one.value.replace(CA_PATH, place.ca_path)) for one in resolved)
        client_tls = self._authority.client_context()
        common = {
            "case": self._case,
            "backend": self._backend,
            "environment": self._environment,
            "endpoint": Endpoint(("127.0.0.1", 0), self._environment.ingress.host, None),
            "resolved": given,
            "fingerprints": fingerprints(resolved, self._secrets),
            "fingerprints_of": lambda settings: fingerprints(settings, self._secrets),
            "replicas": [],
            "dependencies": dependencies,
            "dependency_tls": {
                name: client_tls for name, one in self._environment.dependencies.items() if one.tls != "off"
            },
            "secret_values": tuple(one.value for one in resolved if one.secret) + self._secrets.values,
            "proxy_host": place.proxy_host,
            "timings": self._timings,
        }
        stack = self._stack(common, place)
        late = () if self._in_order else tuple(dependencies.values())
        for dependency in late:
            await dependency.proxy.down()
        # The servers are up by then, however slow this machine is: how late one can be reached is the proxies' doing.
        self._waiting("its dependencies to answer")
        await together(*(self._timed(name, self._serve(stack, one)) for name, one in dependencies.items()))
        self._waiting("the backend to start")
        values = {one.name: one.value for one in given}
        starts = [
            self._timed(f"backend {index}", self._replica(stack, exits, values, index))
            for index in range(self._environment.platform.replicas)
        ]
        await together(*starts, self._timed("ingress", self._front(stack, exits)))
        if late:
            await self._miss_them(stack)
            for dependency in late:
                await dependency.proxy.up()
        stack.replicas.sort(key=lambda one: one.index)
        await stack.note_addresses()
        self._waiting("startup to pass or fail")
        return stack

    async def _miss_them(self, stack: BootedStack[R, D]) -> None:
        """Wait until the replicas have begun to look for what they need, which cannot be reached yet.

        Who answers HTTP while it starts has begun; of who answers only afterwards that is taken for granted in the end.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BEGUN_S):
                await stack.until_listening()
                await asyncio.sleep(_LATE_S)

    @property
    def _in_order(self) -> bool:
        """Whether what the backend depends on can be reached when it starts; or the boot itself says what and when."""
        boot = self._case.boot
        return bool(self._environment.dependencies_first or boot.timeline or boot.down)

    @abstractmethod
    async def _place(self, exits: AsyncExitStack) -> Place:
        """Make what everything else stands in."""

    @abstractmethod
    def _dependency(self, name: str, declared: Dependency, proxy: Proxy) -> D:
        """A dependency that has not been started."""

    @abstractmethod
    def _stack(self, common: Mapping[str, Any], place: Place) -> BootedStack[R, D]:
        """The stack; `common` are the fields of every stack but `memory_folder`."""

    @abstractmethod
    async def _start_server(self, stack: BootedStack[R, D], dependency: D) -> None:
        """Start that dependency's server; it need not answer when this returns."""

    @abstractmethod
    async def _replica(
        self, stack: BootedStack[R, D], exits: AsyncExitStack, values: Mapping[str, str], index: int
    ) -> None:
        """Start that replica with those settings, and put it among the stack's; the endpoint too where it is that."""

    @abstractmethod
    async def _front(self, stack: BootedStack[R, D], exits: AsyncExitStack) -> None:
        """The ingress, where the environment has one; its endpoint becomes the stack's."""

    def _password(self, name: str) -> str:
        return self._secrets.hexadecimal(self._environment.name, f"dependency {name}", 24)

    async def _timed(self, name: str, work: Awaitable[T]) -> T:
        began = time.monotonic()
        try:
            return await work
        finally:
            self._timings[name] = round(time.monotonic() - began, 3)

    async def _proxied(self, exits: AsyncExitStack, name: str, place: Place) -> D:
        """A dependency that is not there yet: only the proxy in front of it, which refuses until it is."""
        declared = self._environment.dependencies[name]
        proxy = await exits.enter_async_context(Proxy(place.proxy_host, upstream=None, name=name))
        if declared.latency_ms:
            proxy.add(Latency(latency_ms=declared.latency_ms))
        return self._dependency(name, declared, proxy)

    def _sources(self, place: Place, dependencies: Mapping[str, D]) -> dict[str, str]:
        """What settings may take from this boot."""
        ingress = self._environment.ingress
        sources = {
            "ingress.network": place.network,
            "ingress.host": ingress.host,
            "ingress.origin": f"{'https' if ingress.tls else 'http'}://{ingress.host}",
            "platform.port": str(self._environment.platform.port),
        }
        for name, dependency in dependencies.items():
            declared, address = (
                self._environment.dependencies[name],
                (place.dependency_host or name, dependency.proxy.port),
            )
            sources |= dependency_sources(name, declared, address, self._password(name), place.ca_path)
        return sources

    async def _serve(self, stack: BootedStack[R, D], dependency: D) -> None:
        """Start the server behind the proxy, unless this boot keeps it down."""
        if dependency.name in self._case.boot.unreachable_at_start:
            await dependency.proxy.down()
        if dependency.name in self._case.boot.down:
            return
        await self._start_server(stack, dependency)
        await stack.connect_proxy(dependency)
