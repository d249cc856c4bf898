"""Which tool answers a message. A language model would stand here; none is called."""

from __future__ import annotations

import re
from typing import Protocol

_WORDS_OF_TOOLS = {
    "estimate_cost": {"cost", "costs", "price", "prices", "estimate", "expensive", "cheap"},
    "summarise_usage": {"usage", "summary", "summarise", "summarize", "statistics"},
}


class Planner(Protocol):
    """Chooses a tool by name."""

    def choose(self, text: str) -> str: ...


class KeywordPlanner:
    """Chooses by the words of the message; a search of the thread when no word tells."""

    def choose(self, text: str) -> str:
        """The name of a registered tool."""
        words = words_in(text)
        for tool, telling in _WORDS_OF_TOOLS.items():
            if words & telling:
                return tool
        return "search_thread"


def words_in(text: str) -> frozenset[str]:
    """The words of a text, in lower case."""
    return frozenset(re.findall(r"\w+", text.lower()))
