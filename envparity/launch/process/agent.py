"""A warm agent as a process of this machine, beside the replicas of a stack."""

from __future__ import annotations

import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from envparity.errors import DeadlineExceeded
from envparity.launch.agent.client import WarmAgent
from envparity.launch.agent.command import PythonCommand, WarmUnavailable
from envparity.launch.agent.program import agent_program
from envparity.launch.local.parts import AgentBeside
from envparity.launch.process.child import Child
from envparity.launch.process.held_port import HeldPort

__all__ = ["StartAgent", "agent_on_this_machine"]

StartAgent = Callable[[Sequence[str], Mapping[str, str]], Child]
"""Starts that command as the platform starts a replica, with these variables and none of the settings."""
_STOP_S = 10.0


@asynccontextmanager
async def agent_on_this_machine(start: StartAgent, command: PythonCommand, lanes: int) -> AsyncIterator[AgentBeside]:
    """Start it and connect to it. Raises `WarmUnavailable`."""
    if sys.platform != "linux":
        raise WarmUnavailable("the warm agent asks /proc how its boots are, and this system has none")
    async with AsyncExitStack() as exits:
        port, *ports = [exits.enter_context(HeldPort()).number for _ in range(lanes + 1)]
        token = secrets.token_hex(24)
        own = {"ENVPARITY_WARM_TOKEN": token, "ENVPARITY_WARM_LISTEN": f"127.0.0.1:{port}"}
        child = start(command.agent(agent_program()), own)
        exits.push_async_callback(child.stop, signal.SIGTERM, _STOP_S)
        try:
            agent = await exits.enter_async_context(WarmAgent.connect("127.0.0.1", port, token))
        except DeadlineExceeded as error:
            raise WarmUnavailable(f"no agent answers: {child.log_tail(10)}") from error
        yield AgentBeside(agent, {number: number for number in ports})
