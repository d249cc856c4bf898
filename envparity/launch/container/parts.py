"""The containers of a stack: of each dependency and of each replica."""

from __future__ import annotations

from dataclasses import dataclass

from docker.models.containers import Container

from envparity.launch.local.parts import BootedDependency, BootedReplica

__all__ = ["ContainerDependency", "ContainerReplica"]


@dataclass
class ContainerDependency(BootedDependency):
    """A dependency's container (None where the boot keeps it down), and the port that its server has in it."""

    container: Container | None
    port: int
    began: float = 0.0  # when it was started last, on the engine's clock

    @property
    def there(self) -> bool:
        return self.container is not None


@dataclass
class ContainerReplica(BootedReplica):
    """A replica's container, and the port that the backend has in it."""

    container: Container
    inner_port: int
