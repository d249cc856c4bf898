"""A warm agent in a container of the backend's own image, beside the replicas of a stack."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from docker.models.containers import Container

from envparity.dependency.kind import ServerPlan
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.agent.client import WarmAgent
from envparity.launch.agent.command import PythonCommand, WarmUnavailable
from envparity.launch.agent.program import agent_program
from envparity.launch.container.engine import Engine
from envparity.launch.container.ports import published_port
from envparity.launch.local.parts import AgentBeside

__all__ = ["StartBeside", "agent_in_container"]

_AGENT_PORT = 7411
_FIRST_LANE_PORT = 7420
_MIB = 1024 * 1024

StartBeside = Callable[[str, ServerPlan, Mapping[str, object]], Awaitable[Container]]
"""Starts one more container as the platform starts a replica: its name, its plan, and what the engine is told beyond
the platform's limits, or instead of them."""


@asynccontextmanager
async def agent_in_container(
    engine: Engine, start: StartBeside, command: PythonCommand, lanes: int, memory_mib: int | None
) -> AsyncIterator[AgentBeside]:
    """Start it and connect to it; its container has the platform's processor limit, and `memory_mib` once for every
    lane and once for the agent. Raises `WarmUnavailable`.
    """
    async with AsyncExitStack() as exits:
        ports = tuple(range(_FIRST_LANE_PORT, _FIRST_LANE_PORT + lanes))
        token = secrets.token_hex(24)
        container = await _start(start, command, token, ports, memory_mib)
        exits.push_async_callback(_remove, engine, container)
        connecting = WarmAgent.connect("127.0.0.1", published_port(container, _AGENT_PORT), token)
        try:
            agent = await exits.enter_async_context(connecting)
        except DeadlineExceeded as error:
            log = await engine.call("the warm agent's log", lambda: container.logs(tail=10))
            said = log.decode(errors="replace")
            raise WarmUnavailable(f"no agent answers in the backend's image: {said}") from error
        yield AgentBeside(agent, {port: published_port(container, port) for port in ports})


async def _start(
    start: StartBeside, command: PythonCommand, token: str, ports: tuple[int, ...], memory_mib: int | None
) -> Container:
    variables = {"ENVPARITY_WARM_TOKEN": token, "ENVPARITY_WARM_LISTEN": f"0.0.0.0:{_AGENT_PORT}"}
    options: dict[str, object] = {"entrypoint": list(command.agent(agent_program()))}
    if memory_mib is not None:
        limit = memory_mib * _MIB * (len(ports) + 1)
        options |= {"mem_limit": limit, "memswap_limit": limit}
    plan = ServerPlan("backend", _AGENT_PORT, variables, more_ports=ports)
    try:
        return await start("warm", plan, options)
    except LaunchError as error:
        raise WarmUnavailable(f"the backend's image starts no {command.interpreter}: {error}") from error


async def _remove(engine: Engine, container: Container) -> None:
    await engine.clean("the warm agent's container to go", lambda: container.remove(force=True, v=True))
