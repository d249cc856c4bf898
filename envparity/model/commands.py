"""Commands with ports in them: `{port}` is where the backend is to listen, `{health_port}` where its health is asked.

What a shell fills, `${PORT}`, is left to it. `{{` and `}}` are braces, in an argument that has something that looks
like a placeholder; any other argument is what stands there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envparity.model.composed import Placeholder, Stray, is_composed, pieces

__all__ = ["HEALTH_PORT", "PORT", "PortOf", "argument_pieces", "filled", "ports_in"]

PORT = "port"
HEALTH_PORT = "health_port"

_OF_A_SHELL = re.compile(r"(\$\{[^{}]*\})")
_NAMES = {f"{{{name}}}": name for name in (PORT, HEALTH_PORT)}


@dataclass(frozen=True)
class PortOf:
    """The place of a port in an argument: `PORT` or `HEALTH_PORT`."""

    name: str


def argument_pieces(argument: str) -> Iterator[str | PortOf | Placeholder | Stray]:
    """An argument taken apart: what stands for itself, ports, and what nothing fills in a command."""
    if not is_composed(_OF_A_SHELL.sub("", argument)):
        yield argument
        return
    for place, part in enumerate(_OF_A_SHELL.split(argument)):
        if place % 2:
            yield part
            continue
        for piece in pieces(part):
            name = _NAMES.get(piece.text) if isinstance(piece, Stray) else None
            yield piece if name is None else PortOf(name)


def ports_in(command: Sequence[str]) -> frozenset[str]:
    """Which ports that command names."""
    found = (piece for argument in command for piece in argument_pieces(argument))
    return frozenset(piece.name for piece in found if isinstance(piece, PortOf))


def filled(command: Sequence[str], ports: Mapping[str, int]) -> tuple[str, ...]:
    """The command with these ports, which are all that it names. Of a command in which nothing is wrong."""

    def text(piece: object) -> str:
        return str(ports[piece.name]) if isinstance(piece, PortOf) else str(piece)

    return tuple("".join(map(text, argument_pieces(argument))) for argument in command)
