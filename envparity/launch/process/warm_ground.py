"""What processes of this machine have for warm boots beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from envparity.dependency.kind import Administrator
from envparity.launch.local.parts import AgentBeside, administered
from envparity.launch.process.agent import StartAgent, agent_on_this_machine
from envparity.launch.process.parts import RunningDependency
from envparity.launch.process.shell import ProcessShell
from envparity.launch.warm.command import PythonCommand, WarmUnavailable
from envparity.model.environment import Environment

__all__ = ["ProcessGround"]


@dataclass(frozen=True)
class ProcessGround:
    """Beside those processes (`WarmGround`). `command` starts a replica, with placeholders of ports."""

    memory_folder: str
    environment: Environment
    dependencies: Mapping[str, RunningDependency]
    start_agent: StartAgent
    command: Sequence[str]

    def argv(self) -> Sequence[str]:
        return self.command

    def agent(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        return agent_on_this_machine(self.start_agent, command, lanes)

    @asynccontextmanager
    async def administrator(self, name: str) -> AsyncIterator[Administrator]:
        server, kind = self.dependencies[name].server, administered(self.environment.dependencies[name])
        if server is None:
            raise WarmUnavailable(f"{name} is down in this boot")
        async with ProcessShell.open(server) as shell:
            yield kind.administrator(shell)
