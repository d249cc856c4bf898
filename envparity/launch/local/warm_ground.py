"""What a launcher has for warm boots beside a stack of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from envparity.dependency.capabilities import Ground, Shell
from envparity.launch.agent.command import PythonCommand
from envparity.launch.local.parts import AgentBeside

__all__ = ["WarmGround"]


class WarmGround(Ground, Protocol):
    """Where warm boots stand: an agent as the replicas are started, and a way into each server."""

    def argv(self) -> Sequence[str]:
        """What starts a replica: the program and its arguments, with `{port}` where its file has that."""
        ...

    def shell(self, name: str) -> AbstractAsyncContextManager[Shell]:
        """The program beside that dependency's server by which it is administered.

        Raises `WarmUnavailable` where there is none.
        """
        ...

    def agent(self, command: PythonCommand, lanes: int) -> AbstractAsyncContextManager[AgentBeside]:
        """A warm agent under the platform's limits, for that many boots at a time. Raises `WarmUnavailable`."""
        ...
