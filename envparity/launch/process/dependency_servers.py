"""The servers of a boot's dependencies as processes, and who speaks TLS for those that do not."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envparity.dependency.kind import KINDS, kind_of
from envparity.errors import LaunchError
from envparity.launch.certificates import IssuedCertificate
from envparity.launch.cleanup.leftovers import MARK
from envparity.launch.local.offers import asked_password
from envparity.launch.process.parts import ProcessDependency
from envparity.launch.process.resources import ProcessResources
from envparity.launch.process.servers import HasServer, PlannedServer, ProcessServer, ServerParts
from envparity.launch.process.settled import settled
from envparity.launch.process.tls_front import server_context
from envparity.model.case import Boot
from envparity.model.environment import Dependency, Environment

__all__ = ["DependencyServers"]

_HOST: Final = "127.0.0.1"


@dataclass(frozen=True)
class DependencyServers:
    """Starts them; they end with `exits`. What they write is in `memory`, their certificates are in `folder`."""

    means: ProcessResources
    environment: Environment
    boot: Boot
    folder: Path
    memory: Path
    exits: AsyncExitStack

    async def start(self, dependency: ProcessDependency, declared: Dependency) -> None:
        """Start that dependency's server; it need not answer when this returns."""
        number = sorted(self.environment.dependencies).index(dependency.name)
        # The path of a Unix socket below it may have 103 bytes, so it does not have the dependency's own name.
        folder = self.memory / f"d{number}"
        server = await settled(lambda: self._server(dependency.name, declared, folder))
        dependency.server = server
        self.exits.push_async_callback(server.end)
        authority = self.means.authority
        issued = authority.issue_for(dependency.name, [dependency.name, declared.kind, "localhost", _HOST], self.boot)
        if declared.tls == "off":
            dependency.address = (_HOST, server.port)
        elif kind_of(declared).own_tls:
            dependency.address = (_HOST, server.port)
            server.take_certificate(issued, authority.certificate_pem)
        else:
            dependency.address = await self._fronted(declared, server, issued)
        server.start()

    def _server(self, name: str, declared: Dependency, folder: Path) -> ProcessServer:
        given: ServerParts = {
            "programs": self.means.programs,
            "folder": folder,
            "password": asked_password(self.environment, name, self.means.secrets),
            "guard": self.means.guard,
            "socket_only": declared.tls != "off" and not kind_of(declared).own_tls,
            "environment": {MARK: self.means.run_id},
            "group": self.means.group,
        }
        kind = kind_of(declared)
        if not isinstance(kind, HasServer):
            return PlannedServer(**given, declared=declared)
        with KINDS.guarding(kind):
            return kind.server(declared, **given)

    async def _fronted(self, declared: Dependency, server: ProcessServer, issued: IssuedCertificate) -> tuple[str, int]:
        kind = kind_of(declared)
        if not isinstance(kind, HasServer):
            raise LaunchError(f"a {declared.kind} of this machine speaks no TLS")
        with KINDS.guarding(kind):
            front = kind.front(server, server_context(issued, self.folder), _HOST)
        return await self.exits.enter_async_context(front)
