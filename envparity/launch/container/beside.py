"""A dependency's container, as its kind may ask it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from docker.models.containers import Container

from envparity.errors import DeadlineExceeded, EngineFailed
from envparity.launch.container.engine import Engine
from envparity.launch.container.log import ContainerLog
from envparity.launch.container.replica_port import port_listens

__all__ = ["ContainerBeside"]

_COMMAND_S: Final = 10.0


@dataclass(frozen=True)
class ContainerBeside:
    """A dependency's container, as its kind may ask it (`Beside`). `began` is when it was started last."""

    engine: Engine
    container: Container
    name: str
    port: int
    began: float

    async def listens(self) -> bool:
        return await port_listens(self.container, self.port)

    async def log(self) -> str:
        return await ContainerLog(self.engine, self.container, self.name).since(self.began)

    async def run(self, command: tuple[str, ...]) -> bool:
        def run() -> bool:
            return bool(self.container.exec_run(list(command)).exit_code == 0)

        try:
            return await self.engine.call(f"{command[0]} in {self.name}", run, _COMMAND_S)
        except (EngineFailed, DeadlineExceeded):
            return False  # it has ended, or has not begun
