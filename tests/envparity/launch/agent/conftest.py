"""A stand-in backend beside a stand-in third party, and an agent for them."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from envparity.launch.agent.client import AgentBoot, WarmAgent
from envparity.launch.agent.command import PythonCommand, python_command
from envparity.launch.agent.local import local_agent
from envparity.launch.process.held_port import HeldPort

WITHIN_S = 60.0


class StandIn:
    """A folder with the backend's package in `own/`, and the third party's modules in `site-packages/`."""

    def __init__(self, folder: Path) -> None:
        self.own, self.others = folder / "own", folder / "site-packages"
        self.temporary = folder / "tmp"  # an agent that is killed leaves its folders there
        self.temporary.mkdir()
        self.command: PythonCommand = python_command([sys.executable, "-m", "standin"])
        self.write("standin/__init__.py", "")
        self.write("standin/__main__.py", "print('ran')\n")

    @property
    def env(self) -> dict[str, str]:
        path = f"{self.others}:{self.own}"
        usual = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TMPDIR": str(self.temporary)}
        return {**usual, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    def write(self, name: str, source: str) -> None:
        """A file of the backend's."""
        self._write(self.own / name, source)

    def other(self, name: str, source: str) -> None:
        """A file of the third party's."""
        self._write(self.others / name, source)

    def _write(self, file: Path, source: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(source), encoding="utf-8")

    def agent(self) -> AbstractAsyncContextManager[WarmAgent]:
        return local_agent(self.command, self.env, folder=str(self.own))

    @asynccontextmanager
    async def loaded_agent(self) -> AsyncIterator[WarmAgent]:
        async with self.agent() as agent:
            await agent.load(self.command)
            yield agent

    async def run(self, agent: WarmAgent, env: Mapping[str, str] | None = None, **options: Any) -> AgentBoot:
        """Boot it, and wait until it has ended."""
        boot = await agent.boot(self.command, env or {}, **options)
        await boot.until_ended(WITHIN_S)
        return boot


@pytest.fixture
def standin(tmp_path: Path) -> StandIn:
    return StandIn(tmp_path)


@pytest.fixture
def free_port() -> Iterator[int]:
    """One on which a boot may listen, as `socket.create_server` does, and nobody else is given."""
    with HeldPort() as held:
        yield held.number


@pytest.fixture
def said() -> Callable[[tuple[str, ...]], Any]:
    """The JSON in the last line of a log."""
    return lambda lines: json.loads(lines[-1])
