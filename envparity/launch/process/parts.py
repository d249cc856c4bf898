"""The processes of a stack: of each dependency and of each replica."""

from __future__ import annotations

from dataclasses import dataclass

from envparity.launch.local.parts import BootedDependency, BootedReplica
from envparity.launch.process.child import Child
from envparity.launch.process.servers import ProcessServer

__all__ = ["ProcessDependency", "ProcessReplica"]


@dataclass
class ProcessDependency(BootedDependency):
    """A dependency's server (None where the boot keeps it down), and where the proxy finds it."""

    server: ProcessServer | None = None
    address: tuple[str, int] = ("127.0.0.1", 0)
    prepared: bool = False
    began: float = 0.0  # where its log was when it was started last

    @property
    def there(self) -> bool:
        return self.server is not None


@dataclass
class ProcessReplica(BootedReplica):
    """A replica's process, and the port of 127.0.0.1 that it was told to listen on."""

    child: Child
    port: int
