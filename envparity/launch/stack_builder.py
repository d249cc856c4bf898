"""Booting one case, from its dependencies to its ingress: what is the same whatever servers and replicas run in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.clocks import set_clock
from envparity.launch.keys import made_keys
from envparity.launch.local.further_programs import BackendPrograms, FurtherPrograms
from envparity.launch.local.given import Given, StackNetwork
from envparity.launch.local.giving import Giving
from envparity.launch.local.parts import BootedDependency
from envparity.launch.local.proxies import DependencyProxies
from envparity.launch.local.stack import LocalStack
from envparity.launch.placing import levels, needs
from envparity.launch.port import Waiting
from envparity.launch.proxy import Proxy
from envparity.launch.resolve import (
    ResolvedSetting,
    RunSecrets,
    hastened,
)
from envparity.model.backend import Backend
from envparity.model.case import Boot, Case
from envparity.model.environment import Dependency, Environment
from envparity.support.redaction import Redaction
from envparity.support.stalls import within
from envparity.support.together import together

__all__ = ["RunResources", "StackBuilder"]

_BEGUN_S = 2.0
_WITHOUT_S = 3.0
_LATE_S = 0.1  # what a backend needs from answering to its first attempt to connect

T = TypeVar("T")


@dataclass(frozen=True)
class RunResources:
    """What every boot of a run uses. `ca_file` is the authority's certificate, for the backend to read."""

    backend: Backend
    run_id: str
    secrets: RunSecrets
    authority: CertificateAuthority
    ca_file: Path


class StackBuilder(ABC):
    """The boot of one case."""

    def __init__(self, lasting: RunResources, environment: Environment, boot: Boot, waiting: Waiting) -> None:
        self._lasting, self._waiting = lasting, waiting
        self._case = Case(environment.name, lasting.backend.name, boot)
        self._backend, self._authority, self._secrets = lasting.backend, lasting.authority, lasting.secrets
        self._environment = hastened(lasting.backend, environment, boot)
        self._timings: dict[str, float] = {}
        self._given: tuple[ResolvedSetting, ...] = ()
        keys = made_keys(lasting.backend, self._environment.name, lasting.secrets)
        self._giving = Giving(self._case, self._backend, self._environment, self._authority, self._secrets, keys)
        self._proxies = DependencyProxies(self._environment, boot)
        self._further = FurtherPrograms(self._proxies, waiting)
        self._placed: Mapping[str, Dependency] = {}  # those that are told where they are reached

    @property
    def redaction(self) -> Redaction:
        """What is a secret of this boot, as far as it has come, and what is shown for it."""
        return self._giving.redaction(self._given)

    async def boot(self, exits: AsyncExitStack) -> LocalStack:
        """Start everything; whatever `exits` holds ends with it. Startup goes on when this returns."""
        place = await self._timed("network", self._place(exits))
        dependencies = {
            name: await self._proxied(exits, name, place) for name in sorted(self._environment.dependencies)
        }
        offers = self._giving.offers(place, dependencies)
        given = self._giving.given(offers)
        self._given = given.resolved
        sources = offers.sources()
        self._placed = {name: offers.placed(name, sources) for name in dependencies}
        stack, programs = self._stack(given)
        stack.redaction, stack.timings = self.redaction, self._timings
        late = () if self._in_order else tuple(dependencies.values())
        await together(*(dependency.proxy.down() for dependency in late))
        # The servers are up by then, however slow this machine is: how late one can be reached is the proxies' doing.
        self._waiting("its dependencies to answer")
        for level in levels(self._environment):
            await together(*(self._timed(name, self._serve(stack, name)) for name in level))
        values = {setting.name: setting.value for setting in given.resolved}
        if self._environment.jobs and not self._case.boot.down:
            await self._further.run_jobs(stack, programs, exits, values, late)
        await stack.controlled.fall_silent(self._case.boot.silent_start)
        self._waiting("the backend to start")
        starts = [self._replicas(exits, values)]
        starts += [
            self._timed(f"process {name}", self._further.start_beside(stack, programs, exits, values, name))
            for name in self._environment.processes
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

    async def _replicas(self, exits: AsyncExitStack, values: Mapping[str, str]) -> None:
        """Start all of them in the same moment, or each so long after the one before it as the boot asks for."""

        async def start(index: int) -> None:
            await self._timed(f"backend {index}", self._replica(exits, values, index))

        apart_s, indexes = self._case.boot.apart_s, range(self._environment.platform.replicas)
        if not apart_s:
            await together(*map(start, indexes))
        for index in indexes if apart_s else ():
            await asyncio.sleep(apart_s if index else 0)
            await start(index)

    async def _miss_them(self, stack: LocalStack) -> None:
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
        return self._environment.dependencies_first or self._case.boot.says_when

    @abstractmethod
    async def _place(self, exits: AsyncExitStack) -> StackNetwork:
        """Make what everything else stands in."""

    @abstractmethod
    def _dependency(self, name: str, declared: Dependency, proxy: Proxy) -> BootedDependency:
        """A dependency that has not been started, which the stack will have."""

    @abstractmethod
    def _stack(self, given: Given) -> tuple[LocalStack, BackendPrograms]:
        """The stack, with its dependencies and without replicas, which are put there; and who starts programs."""

    @abstractmethod
    async def _start_server(self, name: str, declared: Dependency) -> None:
        """Start that dependency's server, which knows where it is reached; it need not answer when this returns."""

    @abstractmethod
    async def _replica(self, exits: AsyncExitStack, values: Mapping[str, str], index: int) -> None:
        """Start that replica with those settings, and put it among the stack's; the endpoint too where it is that."""

    @abstractmethod
    async def _front(self, exits: AsyncExitStack) -> None:
        """The ingress, where the environment has one; its endpoint becomes the stack's."""

    def _clock(self, file: Path, replica: int) -> Path | None:
        """The clock of that replica, set in that file; None where it has the machine's own."""
        if (by_s := self._case.boot.clock_of(replica)) is None:
            return None
        set_clock(file, by_s)
        return file

    async def _timed(self, name: str, work: Awaitable[T]) -> T:
        began = time.monotonic()
        try:
            return await work
        finally:
            self._timings[name] = round(time.monotonic() - began, 3)

    async def _proxied(self, exits: AsyncExitStack, name: str, place: StackNetwork) -> BootedDependency:
        """A dependency that is not there yet: only the proxy in front of it, which refuses until it is."""
        proxy, beside = await self._proxies.open(exits, name, place)
        dependency = self._dependency(name, self._environment.dependencies[name], proxy)
        dependency.beside.extend(beside)
        return dependency

    async def _serve(self, stack: LocalStack, name: str) -> None:
        """Start the server behind the proxy, unless this boot keeps it down."""
        boot = self._case.boot
        if name in boot.unreachable_at_start:
            await stack.dependencies[name].proxy.down()
        if name in boot.down:
            await stack.controlled.keep_away(name)
            return
        await self._start_server(name, self._giving.with_keys(name, self._placed[name]))
        if not needs(self._environment, name) & set(boot.withheld):
            await stack.connect_proxy(name)
            return
        # What cannot come up without what this boot withholds is away as well: then nothing is behind its proxy.
        with contextlib.suppress(TimeoutError, DeadlineExceeded, LaunchError):
            async with within(_WITHOUT_S):
                await stack.connect_proxy(name)
