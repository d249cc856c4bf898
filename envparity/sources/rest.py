"""What a file says beside all that is read of it: listed by name, so that nothing is without effect in silence."""

from __future__ import annotations

from collections.abc import Collection

from envparity.sources.building import Building
from envparity.sources.yaml_nodes import Node

__all__ = ["list_rest", "words_of_node"]

_LONGEST = 120
_OF_NO_BOOT = ("x-", "x_")


def list_rest(made: Building, node: Node | None, read: Collection[str], before: str = "") -> None:
    """List the keys of a table that are none of `read`, each behind `before`."""
    for key, at in node.table.items() if node is not None else ():
        if key not in read and not key.startswith(_OF_NO_BOOT):
            made.not_taken(f"{before}{key}", words_of_node(at), at.place)


def words_of_node(node: Node) -> str:
    """A value in a few words: of a table the names alone, for a secret may stand behind them."""
    if isinstance(node.value, list):
        text = ", ".join(words_of_node(item) for item in node.items)
    else:
        text = ", ".join(node.table) if node.table else node.text or ""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
