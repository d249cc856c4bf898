"""The agents by name. There is one: it plans with a planner and works with the registered tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netra_backend.app.agents.planner import Planner
    from netra_backend.app.agents.tools import Tool, ToolRegistry

DEFAULT_AGENT = "assistant"


class Agent:
    """Chooses among its tools."""

    def __init__(self, name: str, planner: Planner, tools: ToolRegistry) -> None:
        self.name = name
        self._planner = planner
        self._tools = tools

    def plan(self, text: str) -> Tool:
        """The tool that answers this message."""
        return self._tools.named(self._planner.choose(text))


class AgentRegistry:
    """The agents by name."""

    def __init__(self) -> None:
        self._agents: dict[str, Agent] = {}

    @property
    def names(self) -> list[str]:
        """The names of the registered agents, sorted."""
        return sorted(self._agents)

    def register(self, agent: Agent) -> None:
        """Add an agent. Raises ValueError when its name is taken."""
        if agent.name in self._agents:
            raise ValueError(f"there is an agent {agent.name} already")
        self._agents[agent.name] = agent

    def named(self, name: str) -> Agent:
        """The agent of that name. Raises LookupError."""
        return self._agents[name]
