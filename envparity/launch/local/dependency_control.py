"""What can be done to the dependencies of a stack of this machine, through their proxies and directly."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

from envparity.dependency.kind import KINDS, OpensShell, SaysWhatItHolds, Server, TakesCommands, kind_of
from envparity.dependency.wording import verb_of
from envparity.errors import LaunchError
from envparity.launch import disturbing
from envparity.launch.local.given import Given
from envparity.launch.local.parts import BootedDependency
from envparity.launch.proxy import Proxy
from envparity.model.step import DisturbsDependency
from envparity.observe.disturbed import OutageSeen
from envparity.support.redaction import Redaction

__all__ = ["DependencyControl"]


@dataclass(frozen=True)
class DependencyControl:
    """Those of one boot, by name. `replica_of` says which replica it is that connects from somewhere."""

    given: Given
    dependencies: Mapping[str, BootedDependency]
    replica_of: Callable[[Hashable], int | None]

    def dependency(self, name: str) -> BootedDependency:
        """That dependency. Raises `LaunchError` where there is none of that name."""
        if name not in self.dependencies:
            raise LaunchError(f"{self.given.environment.name} has no dependency {name!r}")
        return self.dependencies[name]

    def proxy(self, name: str) -> Proxy:
        """The one through which the backend comes to it."""
        return self.dependency(name).proxy

    def connections(self) -> dict[str, int]:
        """How many are open to each now, as the proxies count them."""
        return {name: dependency.proxy.open_connections for name, dependency in self.dependencies.items()}

    def most_connections(self) -> dict[str, int]:
        """How many were open to each at the same time at most."""
        return {name: dependency.proxy.most_connections for name, dependency in self.dependencies.items()}

    async def cut(self, name: str, *, tell_apart: bool) -> None:
        """Have nothing reach it any more; with `tell_apart` it is asked which replica connects."""
        await self.proxy(name).vanish("cut", tell_apart=tell_apart)

    async def keep_away(self, name: str) -> None:
        """Have whoever connects to it refused and noted, for the whole boot."""
        await self.proxy(name).vanish("refuse", tell_apart=self.given.environment.platform.replicas > 1)

    async def fall_silent(self, names: Iterable[str]) -> None:
        """Have whoever connects to one of these wait for ever, and noted with the replica that it is."""
        for name in names:
            await self.proxy(name).vanish("black_hole", tell_apart=True)

    async def restore(self, name: str) -> None:
        """End what is done to it."""
        await disturbing.end(self.proxy(name))

    async def disturb(self, step: DisturbsDependency, *, tell_apart: bool) -> None:
        """Begin it; with `tell_apart` it is asked which replica connects."""
        await disturbing.begin(self.proxy(step.dependency), step, tell_apart=tell_apart)

    def outages(self, name: str) -> tuple[OutageSeen, ...]:
        """Every time that it was away."""
        return disturbing.outages_of(self.proxy(name), self.replica_of)

    async def command(self, name: str, command: tuple[str, ...], redaction: Redaction) -> object:
        """Have that dependency do it, directly and not through the proxy."""
        dependency, kind = self.dependency(name), kind_of(self.given.environment.dependencies[name])
        verb = redaction.text(verb_of(command))
        if not isinstance(kind, TakesCommands):
            raise LaunchError(f"{name} is of the kind {dependency.kind}, which takes no commands: {verb}")
        server = self.server(name)
        if server is None:
            raise LaunchError(f"{name} is down in this boot: cannot run {verb}")
        try:
            with KINDS.guarding(kind):
                return await kind.command(server, command)
        except LaunchError as error:
            raise LaunchError(f"{name} refused {verb}: {redaction.text(str(error))}") from error

    async def holdings(self, name: str, shell: OpensShell) -> Mapping[str, int] | None:
        """What that dependency holds that does not end by itself; None where nobody says, or it cannot be asked."""
        server, kind = self.server(name), kind_of(self.given.environment.dependencies[name])
        if server is None or not isinstance(kind, SaysWhatItHolds):
            return None
        try:
            with KINDS.guarding(kind):
                return await kind.holdings(server, shell)
        except LaunchError:  # one of a team's own image may have another administrator: nothing is known of it then
            return None

    def server(self, name: str) -> Server | None:
        """Where it is reached directly; None where it is down in this boot. Raises as `dependency` does."""
        dependency = self.dependency(name)
        at, tls = dependency.proxy.upstream, self.given.dependency_tls.get(dependency.name)
        return None if at is None else Server(*at, dependency.password, tls)
