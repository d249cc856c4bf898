"""Booting one case, from its dependencies to its ingress: what is the same whatever servers and replicas run in."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit

import msgspec

from envparity.dependency.kind import CA_PATH, KINDS, HoldsKeys, Server, kind_of, secret_literals
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.booted import LOG_LINES, BootedDependency, BootedReplica, BootedStack
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.keys import issuer_of, made_keys, offered_keys, provider_keys
from envparity.launch.placing import levels, needs, placed
from envparity.launch.port import Endpoint, Waiting
from envparity.launch.proxy import Latency, Proxy
from envparity.launch.resolve import (
    ResolvedSetting,
    RunSecrets,
    fingerprints,
    hastened,
    named_secrets,
    resolve_settings,
    secret_variables,
)
from envparity.launch.starting_line import StartingLine
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.environment import RESERVED, Dependency, Environment, Job
from envparity.observe.record import JobRun
from envparity.redaction import Redaction
from envparity.support.stalls import within
from envparity.support.together import together

__all__ = ["Booting", "Lasting", "Place"]

_BEGUN_S = 2.0
_WITHOUT_S = 3.0
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
        self._given: tuple[ResolvedSetting, ...] = ()
        self._keys = made_keys(lasting.backend, self._environment.name, lasting.secrets)
        self._placed: Mapping[str, Dependency] = {}  # those that are told where they are reached

    @property
    def redaction(self) -> Redaction:
        """What is a secret of this boot, as far as it has come, and what is shown for it."""
        made, given = self._secrets.named(self._environment.name), named_secrets(self._given)
        said = (secret for name, one in self._environment.dependencies.items() for secret in secret_literals(name, one))
        return Redaction((*made, *given, *said, *secret_variables(self._backend)))

    async def boot(self, exits: AsyncExitStack) -> BootedStack[R, D]:
        """Start everything; whatever `exits` holds ends with it. Startup goes on when this returns."""
        place = await self._timed("network", self._place(exits))
        dependencies = {
            name: await self._proxied(exits, name, place) for name in sorted(self._environment.dependencies)
        }
        sources = self._sources(place, dependencies)

        def resolve(boot: Boot, moved: Mapping[str, str]) -> tuple[ResolvedSetting, ...]:
            return resolve_settings(self._backend, self._environment, boot, {**sources, **moved}, self._secrets)

        resolved = resolve(self._case.boot, {})
        # What is recorded is what the files say; what is given says where the authority's certificate is here.
        self._placed = {name: self._placed_at(name, place, sources, dependencies) for name in dependencies}
        given = tuple(replace(one, value=one.value.replace(CA_PATH, place.ca_path)) for one in resolved)
        self._given = given
        client_tls = self._authority.client_context()
        common = {
            "case": self._case,
            "backend": self._backend,
            "environment": self._environment,
            "endpoint": Endpoint(("127.0.0.1", 0), self._environment.ingress.host, None),
            "resolved": given,
            "keys": self._keys | issuer_of(self._backend, sources),
            "urls": {name: self._url(name, place, one) for name, one in dependencies.items()},
            "fingerprints": fingerprints(resolved, self._secrets),
            "fingerprints_of": lambda settings: fingerprints(settings, self._secrets),
            "resolve": resolve,
            "sources": sources,
            "ca_path": place.ca_path,
            "replicas": [],
            "dependencies": dependencies,
            "dependency_tls": {
                name: client_tls for name, one in self._environment.dependencies.items() if one.tls != "off"
            },
            "redaction": self.redaction,
            "proxy_host": place.proxy_host,
            "timings": self._timings,
        }
        stack = self._stack(common, place)
        late = () if self._in_order else tuple(dependencies.values())
        for dependency in late:
            await dependency.proxy.down()
        # The servers are up by then, however slow this machine is: how late one can be reached is the proxies' doing.
        self._waiting("its dependencies to answer")
        for level in levels(self._environment):
            await together(*(self._timed(name, self._serve(stack, dependencies[name])) for name in level))
        values = {one.name: one.value for one in given}
        if self._environment.jobs and not self._case.boot.down:
            await self._run_jobs(stack, exits, values, late)
        self._waiting("the backend to start")
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

    async def _run_jobs(
        self, stack: BootedStack[R, D], exits: AsyncExitStack, values: Mapping[str, str], late: Sequence[D]
    ) -> None:
        """Run the jobs, one after the other until one fails, with every dependency in reach as when it was deployed.

        What cannot be reached when the backend starts is out of reach again afterwards.
        """
        withheld = [stack.dependencies[name] for name in self._case.boot.unreachable_at_start]
        for dependency in (*late, *withheld):
            await dependency.proxy.up()
        for name, job in self._environment.jobs.items():
            self._waiting(f"job {name}")
            began = time.monotonic()
            exit_code, log = await self._job(stack, exits, values, name, job)
            took_s = round(time.monotonic() - began, 3)
            self._timings[f"job {name}"] = took_s
            stack.jobs.append(JobRun(name, exit_code, took_s, stack.redacted(log)[-LOG_LINES:]))
            if exit_code != 0:
                break
        for dependency in (*late, *withheld):
            await dependency.proxy.down()
        for line, dependency in self._lines(stack.dependencies.values()):
            dependency.proxy.hold_at(line)

    def _lines(self, dependencies: Iterable[D]) -> Iterator[tuple[StartingLine, D]]:
        """A line for each dependency at which replicas wait for each other; none for one replica."""
        replicas = self._environment.platform.replicas
        if replicas > 1:
            yield from ((StartingLine(replicas), dependency) for dependency in dependencies)

    async def _miss_them(self, stack: BootedStack[R, D]) -> None:
        """Wait until the replicas have begun to look for what they need, which cannot be reached yet.

        Who answers HTTP while it starts has begun; of who answers only afterwards that is taken for granted in the end.
        """
        with contextlib.suppress(TimeoutError):
            async with within(_BEGUN_S):
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
    async def _job(
        self, stack: BootedStack[R, D], exits: AsyncExitStack, values: Mapping[str, str], name: str, job: Job
    ) -> tuple[int | None, str]:
        """Run that job with those settings; its exit code, None where it had to be killed, and what it has written."""

    @abstractmethod
    async def _front(self, stack: BootedStack[R, D], exits: AsyncExitStack) -> None:
        """The ingress, where the environment has one; its endpoint becomes the stack's."""

    async def _ingress_endpoint(
        self, exits: AsyncExitStack, address: tuple[str, int], tls: ssl.SSLContext | None
    ) -> Endpoint:
        """Where clients come to the ingress that listens there; behind what cuts old connections, where it is to."""
        ingress = self._environment.ingress
        if ingress.max_lifetime_s is not None:
            cutting = Proxy(address[0], address, name="ingress", max_lifetime_s=ingress.max_lifetime_s, as_client=True)
            address = (address[0], (await exits.enter_async_context(cutting)).port)
        return Endpoint(address, ingress.host, tls, hops="ingress", prefix=ingress.prefix, affinity=ingress.affinity)

    def _declared(self, name: str) -> Dependency:
        """That dependency as its server is started: told where it is reached, and with the keys that it signs with."""
        declared = self._placed[name]
        kind = kind_of(declared)
        if not isinstance(kind, HoldsKeys):
            return declared
        keys = provider_keys(self._backend, self._environment.name, name, self._keys, self._secrets)
        with KINDS.guarding(kind):
            return kind.with_keys(declared, keys)

    def _placed_at(
        self, name: str, place: Place, sources: Mapping[str, str], dependencies: Mapping[str, D]
    ) -> Dependency:
        """The same, told where the backend reaches it and what its settings are. Raises `DoorFailed`.

        What it takes from other dependencies it reaches by proxies of its own: what a boot does between them and the
        backend is not done to it.
        """
        reached = self._reached(name, place, dependencies[name])
        sources = dict(sources)
        for other in needs(self._environment, name):
            declared, one = self._environment.dependencies[other], dependencies[other]
            server = replace(self._reached(other, place, one), port=one.beside[0].port)
            kind = kind_of(declared)
            with KINDS.guarding(kind):
                url = kind.url(declared, server, place.ca_path)
            sources |= _offered(other, declared, server, url)
        told = placed(self._backend, self._environment, name, reached, sources=sources, made=self._secrets)
        settings = told.options.get("settings")
        if not isinstance(settings, dict):
            return told
        here = {key: value.replace(CA_PATH, place.ca_path) for key, value in settings.items()}
        return msgspec.structs.replace(told, options={**told.options, "settings": here})

    def _asked_password(self, name: str) -> str:
        """The password that its server asks for; "" where it asks for none."""
        declared = self._environment.dependencies[name]
        return self._password(name) if kind_of(declared).asks_for_password(declared) else ""

    def _password(self, name: str) -> str:
        reserved = self._environment.dependencies[name].password == RESERVED
        made = self._secrets.reserved if reserved else self._secrets.hexadecimal
        return made(self._environment.name, f"dependency {name}", 24)

    async def _timed(self, name: str, work: Awaitable[T]) -> T:
        began = time.monotonic()
        try:
            return await work
        finally:
            self._timings[name] = round(time.monotonic() - began, 3)

    async def _proxied(self, exits: AsyncExitStack, name: str, place: Place) -> D:
        """A dependency that is not there yet: only the proxy in front of it, which refuses until it is."""
        declared = self._environment.dependencies[name]
        replicas, jobs = self._environment.platform.replicas, self._environment.jobs
        line = StartingLine(replicas) if replicas > 1 and not jobs else None  # else when the jobs are over
        proxy = await exits.enter_async_context(Proxy(place.proxy_host, upstream=None, name=name, line=line))
        dependency = self._dependency(name, declared, proxy)
        if any(name in needs(self._environment, other) for other in self._environment.dependencies):
            dependency.beside.append(
                await exits.enter_async_context(
                    Proxy(place.proxy_host, upstream=None, name=f"{name}, for dependencies")
                )
            )
        for one in (proxy, *dependency.beside) if declared.latency_ms else ():
            one.add(Latency(latency_ms=declared.latency_ms))
        return dependency

    def _sources(self, place: Place, dependencies: Mapping[str, D]) -> dict[str, str]:
        """What settings may take from this boot."""
        ingress = self._environment.ingress
        sources = {
            "ingress.network": place.network,
            "ingress.host": ingress.host,
            "ingress.origin": ingress.origin,
            "ingress.prefix": ingress.prefix if ingress.kind != "none" else "",
            "platform.port": str(self._environment.platform.port),
            **offered_keys(self._backend, self._keys),
        }
        for name, dependency in dependencies.items():
            declared, server = self._environment.dependencies[name], self._reached(name, place, dependency)
            sources |= _offered(name, declared, server, self._url(name, place, dependency))
        return sources

    def _reached(self, name: str, place: Place, dependency: D) -> Server:
        """That dependency as the backend reaches it."""
        return Server(place.dependency_host or name, dependency.proxy.port, self._password(name))

    def _url(self, name: str, place: Place, dependency: D) -> str:
        """What the backend is told to connect to. Raises `DoorFailed`."""
        declared = self._environment.dependencies[name]
        kind = kind_of(declared)
        with KINDS.guarding(kind):
            return kind.url(declared, self._reached(name, place, dependency), place.ca_path)

    async def _serve(self, stack: BootedStack[R, D], dependency: D) -> None:
        """Start the server behind the proxy, unless this boot keeps it down."""
        if dependency.name in self._case.boot.unreachable_at_start:
            await dependency.proxy.down()
        if dependency.name in self._case.boot.down:
            return
        await self._start_server(stack, dependency)
        if not needs(self._environment, dependency.name) & set(self._case.boot.down):
            await stack.connect_proxy(dependency)
            return
        # What cannot come up without what this boot keeps down is away as well: then nothing is behind its proxy.
        with contextlib.suppress(TimeoutError, DeadlineExceeded, LaunchError):
            async with within(_WITHOUT_S):
                await stack.connect_proxy(dependency)


def _offered(name: str, declared: Dependency, server: Server, url: str) -> dict[str, str]:
    """What settings may take from that dependency, which the backend reaches there. Raises `DoorFailed`."""
    kind = kind_of(declared)
    with KINDS.guarding(kind):
        more = kind.offered(declared, url, server.password)
    offered = {"url": url, "host": server.host, "port": str(server.port), "password": server.password}
    parts = urlsplit(url)
    offered |= {"scheme": parts.scheme, "user": unquote(parts.username or ""), "database": unquote(parts.path[1:])}
    offered |= more
    return {f"{name}.{what}": value for what, value in offered.items() if what in kind.offers}
