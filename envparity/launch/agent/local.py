"""An agent as a process of this machine, for tests, for measuring, and for backends without containers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.agent.client import WarmAgent
from envparity.launch.agent.command import PythonCommand
from envparity.launch.agent.program import agent_program
from envparity.support.child import start_child
from envparity.support.stalls import within

__all__ = ["LocalAgent", "local_agent", "start_agent"]

_START_S = 15.0
_STOP_S = 10.0


class LocalAgent:
    """A running agent process: its port on 127.0.0.1 and its token."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, token: str) -> None:
        self.process, self.port, self.token = process, port, token


@asynccontextmanager
async def start_agent(
    command: PythonCommand, env: Mapping[str, str], *, folder: str | None = None, unclaimed_s: float = 30.0
) -> AsyncIterator[LocalAgent]:
    """Start an agent with that environment; it has ended when this is left. Raises `LaunchError` where it cannot."""
    token = secrets.token_hex(24)
    own = {
        "ENVPARITY_WARM_TOKEN": token,
        "ENVPARITY_WARM_LISTEN": "127.0.0.1:0",
        "ENVPARITY_WARM_UNCLAIMED_S": str(unclaimed_s),
    }
    options: dict[str, object] = {"env": {**env, **own}, "cwd": folder, "stdin": asyncio.subprocess.DEVNULL}
    async with start_child(*command.agent(agent_program()), **options) as (process, output):
        try:
            yield LocalAgent(process, await _port(output), token)
        finally:
            if process.returncode is None:
                process.terminate()
            try:
                async with asyncio.timeout(_STOP_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()


@asynccontextmanager
async def local_agent(
    command: PythonCommand, env: Mapping[str, str], *, folder: str | None = None
) -> AsyncIterator[WarmAgent]:
    """An agent of this machine, connected to."""
    async with (
        start_agent(command, env, folder=folder) as started,
        WarmAgent.connect("127.0.0.1", started.port, started.token) as agent,
    ):
        yield agent


async def _port(output: asyncio.StreamReader) -> int:
    """The port that the agent names in its first line."""
    try:
        async with within(_START_S):
            line = (await output.readline()).decode()
    except TimeoutError as error:
        raise DeadlineExceeded("the warm agent to listen", _START_S) from error
    _, _, port = line.strip().rpartition(":")
    if not port.isdigit():
        raise LaunchError(f"the warm agent did not start: {line.strip() or 'it said nothing'}")
    return int(port)
