"""Reads commands of files: what stands in braces there is a port, or a mistake."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from envparity.errors import Mistake
from envparity.model.commands import PortOf, argument_pieces
from envparity.model.composed import Placeholder, Stray
from envparity.support.toml.document import Document
from envparity.support.toml.lines import KeyPath

__all__ = ["command_mistakes"]

_SECRETS = "a command line shows in every list of processes: take it from the process environment"
_BRACES = "write {{ and }} for braces that stand for themselves"


def command_mistakes(document: Document, key: KeyPath, command: object, ports: Collection[str]) -> Iterator[Mistake]:
    """What is wrong with the placeholders of that command, in which these ports can stand."""
    known = " or ".join(f"{{{name}}}" for name in sorted(ports))
    expected = f"{known} alone" if known else "no placeholder, for a job listens nowhere"
    for index, argument in enumerate(command if isinstance(command, list) else ()):
        for piece in dict.fromkeys(argument_pieces(argument)) if isinstance(argument, str) else ():
            if isinstance(piece, Placeholder):
                yield document.mistake((*key, index), expected, str(piece), _SECRETS)
            elif isinstance(piece, Stray):
                yield document.mistake((*key, index), expected, piece.text, _BRACES)
            elif isinstance(piece, PortOf) and piece.name not in ports:
                action = "set health.port, or take it out" if ports else "take it out"
                yield document.mistake((*key, index), expected, f"{{{piece.name}}}", action)
