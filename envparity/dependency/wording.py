"""The words of commands: which a kind takes whose commands are few, and what one is called."""

from __future__ import annotations

from collections.abc import Mapping

from envparity.dependency.kind import KnowsCommands, kind_of
from envparity.errors import LaunchError
from envparity.model.environment import Dependency

__all__ = ["command_problem", "commands_of", "known_command", "verb_of"]


def known_command(commands: Mapping[str, str], command: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Its name and the words behind it. Raises `LaunchError` where it is none of those, or has other words."""
    expected = command_problem(commands, command)
    if expected:
        raise LaunchError(f"it takes {expected}")
    return command[0], command[1:]


def commands_of(declared: Dependency) -> Mapping[str, str]:
    """Those of its kind, where they are few; none where anything may be one. Raises `DoorFailed`."""
    kind = kind_of(declared)
    return kind.commands if isinstance(kind, KnowsCommands) else {}


def command_problem(commands: Mapping[str, str], command: tuple[str, ...]) -> str:
    """What is expected in its place, in words; "" where it is one of those, with as many words as it takes.

    Where there are none, anything may be one.
    """
    if not commands:
        return ""
    following = commands.get(command[0])
    if following is None:
        return "one of " + ", ".join(f"{name} {words}".strip() for name, words in commands.items())
    words = following.split()
    needed = sum(not word.startswith("[") for word in words)
    return "" if needed <= len(command) - 1 <= len(words) else f"{command[0]} {following}".strip()


def verb_of(command: tuple[str, ...]) -> str:
    """What it is called where it is told of: its first word, `UPDATE`. What stands behind that is data."""
    return next(iter(command[0].split()), command[0])
