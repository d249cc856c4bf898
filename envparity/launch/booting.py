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
from typing import TypeVar

from envparity.dependency.kind import CA_PATH, KINDS, HoldsKeys, kind_of, secret_literals
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.booted import BootedStack
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.clocks import set_clock
from envparity.launch.keys import issuer_of, made_keys, provider_keys
from envparity.launch.local.given import Given, Place
from envparity.launch.local.offers import Offers
from envparity.launch.local.parts import BootedDependency
from envparity.launch.placing import levels, needs
from envparity.launch.port import Endpoint, Waiting
from envparity.launch.program import RunningProgram
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
from envparity.launch.server_log import LOG_LINES
from envparity.launch.starting_line import LONGEST_AFTER_PAUSES_S, LONGEST_S, StartingLine
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.environment import BesideProcess, Dependency, Environment, Job
from envparity.observe.record import JobRun
from envparity.redaction import Redaction
from envparity.support.stalls import within
from envparity.support.together import together

__all__ = ["Booting", "Lasting"]

_BEGUN_S = 2.0
_WITHOUT_S = 3.0
_LATE_S = 0.1  # what a backend needs from answering to its first attempt to connect

T = TypeVar("T")


@dataclass(frozen=True)
class Lasting:
    """What every boot of a run uses. `ca_file` is the authority's certificate, for the backend to read."""

    backend: Backend
    run_id: str
    secrets: RunSecrets
    authority: CertificateAuthority
    ca_file: Path


class Booting(ABC):
    """The boot of one case."""

    def __init__(self, lasting: Lasting, environment: Environment, boot: Boot, waiting: Waiting) -> None:
        self._lasting, self._waiting = lasting, waiting
        self._case = Case(environment.name, lasting.backend.name, boot)
        self._backend, self._authority, self._secrets = lasting.backend, lasting.authority, lasting.secrets
        self._environment = hastened(lasting.backend, environment, boot)
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

    async def boot(self, exits: AsyncExitStack) -> BootedStack:
        """Start everything; whatever `exits` holds ends with it. Startup goes on when this returns."""
        place = await self._timed("network", self._place(exits))
        dependencies = {
            name: await self._proxied(exits, name, place) for name in sorted(self._environment.dependencies)
        }
        given = self._given_at(place, dependencies)
        self._given = given.resolved
        stack = self._stack(given)
        stack.redaction, stack.timings = self.redaction, self._timings
        late = () if self._in_order else tuple(dependencies.values())
        for dependency in late:
            await dependency.proxy.down()
        # The servers are up by then, however slow this machine is: how late one can be reached is the proxies' doing.
        self._waiting("its dependencies to answer")
        for level in levels(self._environment):
            await together(*(self._timed(name, self._serve(stack, name)) for name in level))
        values = {one.name: one.value for one in given.resolved}
        if self._environment.jobs and not self._case.boot.down:
            await self._run_jobs(stack, exits, values, late)
        self._waiting("the backend to start")
        starts = [
            self._timed(f"backend {index}", self._replica(exits, values, index))
            for index in range(self._environment.platform.replicas)
        ]
        starts += [
            self._timed(f"process {name}", self._start_beside(stack, exits, values, name, declared))
            for name, declared in self._environment.processes.items()
        ]
        await together(*starts, self._timed("ingress", self._front(exits)))
        if late:
            await self._miss_them(stack)
            for dependency in late:
                await dependency.proxy.up()
        stack.programs.sort(key=lambda program: program.name)
        await stack.note_addresses()
        self._waiting("startup to pass or fail")
        return stack

    async def _run_jobs(
        self, stack: BootedStack, exits: AsyncExitStack, values: Mapping[str, str], late: Sequence[BootedDependency]
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
            exit_code, log = await self._job(exits, values, name, job)
            took_s = round(time.monotonic() - began, 3)
            self._timings[f"job {name}"] = took_s
            stack.jobs.append(JobRun(name, exit_code, took_s, stack.redacted(log)[-LOG_LINES:]))
            if exit_code != 0:
                break
        for dependency in (*late, *withheld):
            await dependency.proxy.down()
        for line, dependency in self._lines(stack.dependencies.values()):
            dependency.proxy.hold_at(line)

    def _lines(self, dependencies: Iterable[BootedDependency]) -> Iterator[tuple[StartingLine, BootedDependency]]:
        """A line for each dependency at which replicas wait for each other; none for one replica."""
        replicas = self._environment.platform.replicas
        if replicas > 1:
            yield from ((StartingLine(replicas), dependency) for dependency in dependencies)

    async def _miss_them(self, stack: BootedStack) -> None:
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
    def _dependency(self, name: str, declared: Dependency, proxy: Proxy) -> BootedDependency:
        """A dependency that has not been started, which the stack will have."""

    @abstractmethod
    def _stack(self, given: Given) -> BootedStack:
        """The stack, with its dependencies and without replicas: those that are started are put there."""

    @abstractmethod
    async def _start_server(self, name: str) -> None:
        """Start that dependency's server; it need not answer when this returns."""

    @abstractmethod
    async def _replica(self, exits: AsyncExitStack, values: Mapping[str, str], index: int) -> None:
        """Start that replica with those settings, and put it among the stack's; the endpoint too where it is that."""

    @abstractmethod
    async def _job(
        self, exits: AsyncExitStack, values: Mapping[str, str], name: str, job: Job
    ) -> tuple[int | None, str]:
        """Run that job with those settings; its exit code, None where it had to be killed, and what it has written."""

    async def _start_beside(
        self,
        stack: BootedStack,
        exits: AsyncExitStack,
        values: Mapping[str, str],
        name: str,
        declared: BesideProcess,
    ) -> None:
        """Start that further program of the backend; what it writes is told beside what servers write."""
        program = await self._companion(exits, values, name, declared)
        stack.programs.append(program)
        stack.server_logs[f"process {name}"] = program.log

    @abstractmethod
    async def _companion(
        self,
        exits: AsyncExitStack,
        values: Mapping[str, str],
        name: str,
        declared: BesideProcess,
    ) -> RunningProgram:
        """Start that further program of the backend with those settings; it need not be ready when this returns."""

    @abstractmethod
    async def _front(self, exits: AsyncExitStack) -> None:
        """The ingress, where the environment has one; its endpoint becomes the stack's."""

    def _clock(self, file: Path, replica: int) -> Path | None:
        """The clock of that replica, set in that file; None where it has the machine's own."""
        by_s = self._case.boot.clock_of(replica)
        if by_s is None:
            return None
        set_clock(file, by_s)
        return file

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

    async def _timed(self, name: str, work: Awaitable[T]) -> T:
        began = time.monotonic()
        try:
            return await work
        finally:
            self._timings[name] = round(time.monotonic() - began, 3)

    async def _proxied(self, exits: AsyncExitStack, name: str, place: Place) -> BootedDependency:
        """A dependency that is not there yet: only the proxy in front of it, which refuses until it is."""
        declared = self._environment.dependencies[name]
        replicas, jobs = self._environment.platform.replicas, self._environment.jobs
        longest_s = LONGEST_AFTER_PAUSES_S if name in self._case.boot.unreachable_at_start else LONGEST_S
        line = StartingLine(replicas, longest_s) if replicas > 1 and not jobs else None  # else when the jobs are over
        proxy = await exits.enter_async_context(Proxy(place.proxy_host, upstream=None, name=name, line=line))
        dependency = self._dependency(name, declared, proxy)
        if any(name in needs(self._environment, other) for other in self._environment.dependencies):
            dependency.beside.append(
                await exits.enter_async_context(
                    Proxy(place.proxy_host, upstream=None, name=f"{name}, for dependencies")
                )
            )
        if by_s := dict(self._case.boot.slow).get(name):
            proxy.add(Latency(name="slow in this boot", latency_ms=by_s * 1000))
        for one in (proxy, *dependency.beside) if declared.latency_ms else ():
            one.add(Latency(latency_ms=declared.latency_ms))
        return dependency

    def _given_at(self, place: Place, dependencies: Mapping[str, BootedDependency]) -> Given:
        """What this boot is given, once it is known where everything is reached."""
        ports = {name: one.proxy.port for name, one in dependencies.items()}
        beside = {name: one.beside[0].port for name, one in dependencies.items() if one.beside}
        environment, secrets = self._environment, self._secrets
        offers = Offers(self._backend, environment, place, ports, beside, self._keys, secrets)
        sources = offers.sources()

        def resolve(boot: Boot, moved: Mapping[str, str]) -> tuple[ResolvedSetting, ...]:
            return resolve_settings(self._backend, environment, boot, {**sources, **moved}, secrets)

        resolved = resolve(self._case.boot, {})
        self._placed = {name: offers.placed(name, sources) for name in dependencies}
        client_tls = self._authority.client_context()
        return Given(
            case=self._case,
            backend=self._backend,
            environment=environment,
            place=place,
            # What is recorded is what the files say; what is given says where the authority's certificate is here.
            resolved=tuple(replace(one, value=one.value.replace(CA_PATH, place.ca_path)) for one in resolved),
            keys=self._keys | issuer_of(self._backend, sources),
            urls={name: offers.url(name) for name in dependencies},
            dependency_tls={name: client_tls for name, one in environment.dependencies.items() if one.tls != "off"},
            fingerprints=fingerprints(resolved, secrets),
            fingerprints_of=lambda settings: fingerprints(settings, secrets),
            resolve=resolve,
        )

    async def _serve(self, stack: BootedStack, name: str) -> None:
        """Start the server behind the proxy, unless this boot keeps it down."""
        if name in self._case.boot.unreachable_at_start:
            await stack.dependencies[name].proxy.down()
        if name in self._case.boot.down:
            return
        await self._start_server(name)
        if not needs(self._environment, name) & set(self._case.boot.down):
            await stack.connect_proxy(name)
            return
        # What cannot come up without what this boot keeps down is away as well: then nothing is behind its proxy.
        with contextlib.suppress(TimeoutError, DeadlineExceeded, LaunchError):
            async with within(_WITHOUT_S):
                await stack.connect_proxy(name)
