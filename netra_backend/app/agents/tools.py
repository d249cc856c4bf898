"""The three tools, and the registry of them. Each computes on the user's own data and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from netra_backend.app.agents.planner import words_in

if TYPE_CHECKING:
    from decimal import Decimal

    from netra_backend.app.core.user_execution_context import UserExecutionContext
    from netra_backend.app.services.thread_service import ThreadService

SEARCHED_MESSAGES = 200
CHARACTERS_PER_TOKEN = 4
MILLION = 1_000_000


class Tool(Protocol):
    """Computes an answer for one user from what the user has stored."""

    @property
    def name(self) -> str: ...

    async def run(self, context: UserExecutionContext, text: str, threads: ThreadService, /) -> str:
        """The answer. Raises DependencyUnavailable."""
        ...


class SearchThread:
    """Finds earlier messages of the thread that share a word with this one."""

    name = "search_thread"

    async def run(self, context: UserExecutionContext, text: str, threads: ThreadService) -> str:
        """Say how many there are, and quote the latest."""
        said = await threads.history(context.user_id, context.thread_id or "", SEARCHED_MESSAGES)
        wanted = words_in(text)
        found = [message.text for message in said[:-1] if message.role == "user" and words_in(message.text) & wanted]
        if not found:
            return "Nothing earlier in this thread shares a word with your message."
        return f"{len(found)} earlier in this thread; the latest: {found[-1]}"


class SummariseUsage:
    """Counts what the user has sent."""

    name = "summarise_usage"

    async def run(self, context: UserExecutionContext, _text: str, threads: ThreadService) -> str:
        """Say how many threads, messages and characters."""
        thread_count, message_count, characters = await threads.usage(context.user_id)
        return f"Threads: {thread_count}. Messages: {message_count}. Characters: {characters}."


class EstimateCost:
    """Estimates what the message would cost as input to each model of the price table."""

    name = "estimate_cost"

    async def run(self, _context: UserExecutionContext, text: str, threads: ThreadService) -> str:
        """Name each model with its cost, cheapest first."""
        tokens = -(-len(text) // CHARACTERS_PER_TOKEN)
        prices = await threads.prices()
        costs = [f"{model} {_dollars(into * tokens / MILLION)}" for model, (into, _) in prices.items()]
        return f"{tokens} tokens as input: {', '.join(costs)}."


def _dollars(amount: Decimal) -> str:
    return f"${amount:.8f}"


class ToolRegistry:
    """The tools by name."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}

    @property
    def names(self) -> list[str]:
        """The names of the registered tools, sorted."""
        return sorted(self._tools)

    def register(self, tool: Tool) -> None:
        """Add a tool. Raises ValueError when its name is taken."""
        if tool.name in self._tools:
            raise ValueError(f"there is a tool {tool.name} already")
        self._tools[tool.name] = tool

    def named(self, name: str) -> Tool:
        """The tool of that name. Raises LookupError."""
        return self._tools[name]
