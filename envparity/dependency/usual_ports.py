"""Where a server listens by itself, as the table of its dependency says it, or its kind."""

from __future__ import annotations

from collections.abc import Mapping

from envparity.dependency.capabilities import ListensUsually
from envparity.dependency.kind import KINDS

__all__ = ["port_of_server"]


def port_of_server(table: Mapping[str, object]) -> int | None:
    """The port of a server in its container; None where neither says it. The table may be wrong in any way."""
    port, kind = table.get("port"), KINDS.find(table.get("kind"))
    if isinstance(port, int):
        return port
    return kind.usual_port if isinstance(kind, ListensUsually) else None
