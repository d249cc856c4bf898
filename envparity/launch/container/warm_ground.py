"""What containers have for warm boots beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from envparity.dependency.kind import Administrator, Shell
from envparity.launch.agent.command import PythonCommand, WarmUnavailable
from envparity.launch.container.agent import StartBeside, agent_in_container
from envparity.launch.container.engine import Engine
from envparity.launch.container.parts import ContainerDependency, ContainerReplica
from envparity.launch.container.shell import ContainerShell
from envparity.launch.container.start_gate import ungated
from envparity.launch.local.given import Given
from envparity.launch.local.parts import AgentBeside, administered, shell_of

__all__ = ["ContainerGround"]


@dataclass(frozen=True)
class ContainerGround:
    """Beside those containers (`WarmGround`)."""

    memory_folder: str
    given: Given
    engine: Engine
    replicas: Sequence[ContainerReplica]
    dependencies: Mapping[str, ContainerDependency]
    start_beside: StartBeside

    def argv(self) -> Sequence[str]:
        """The entry point and command of a replica's container, as the engine has them."""
        environment, backend = self.given.environment, self.given.backend
        config = self.replicas[0].container.attrs["Config"]
        argv = ungated([*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())])
        if environment.entrypoint or environment.arguments:
            return argv  # as they stand, without a port in them
        command = environment.command or backend.command
        return [*argv[: len(argv) - len(command)], *command]

    def agent(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        memory_mib = self.given.environment.platform.memory_mib
        return agent_in_container(self.engine, self.start_beside, command, lanes, memory_mib)

    @asynccontextmanager
    async def shell(self, name: str) -> AsyncIterator[Shell]:
        container = self.dependencies[name].container
        if container is None:
            raise WarmUnavailable(f"{name} is down in this boot")
        program = shell_of(self.given.environment.dependencies[name])
        async with ContainerShell.open(self.engine, container, program) as shell:
            yield shell

    @asynccontextmanager
    async def administrator(self, name: str) -> AsyncIterator[Administrator]:
        kind = administered(self.given.environment.dependencies[name])
        async with self.shell(name) as shell:
            yield kind.administrator(shell)
