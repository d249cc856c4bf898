"""What processes of this machine have for warm boots beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from envparity.dependency.kind import Administrator, Shell
from envparity.launch.agent.command import PythonCommand, WarmUnavailable
from envparity.launch.local.parts import AgentBeside, administered
from envparity.launch.process.agent import StartAgent, agent_on_this_machine
from envparity.launch.process.parts import ProcessDependency
from envparity.launch.process.shell import ProcessShell
from envparity.model.environment import Environment

__all__ = ["ProcessGround"]


@dataclass(frozen=True)
class ProcessGround:
    """Beside those processes (`WarmGround`). `command` starts a replica, with placeholders of ports."""

    memory_folder: str
    environment: Environment
    dependencies: Mapping[str, ProcessDependency]
    start_agent: StartAgent
    command: Sequence[str]

    def argv(self) -> Sequence[str]:
        return self.command

    def agent(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        return agent_on_this_machine(self.start_agent, command, lanes)

    @asynccontextmanager
    async def shell(self, name: str) -> AsyncIterator[Shell]:
        server = self.dependencies[name].server
        if server is None:
            raise WarmUnavailable(f"{name} is down in this boot")
        async with ProcessShell.open(server) as shell:
            yield shell

    @asynccontextmanager
    async def administrator(self, name: str) -> AsyncIterator[Administrator]:
        kind = administered(self.environment.dependencies[name])
        async with self.shell(name) as shell:
            yield kind.administrator(shell)
