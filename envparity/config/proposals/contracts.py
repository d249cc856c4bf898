"""AsyncAPI documents that a project has, and the paths that their channels have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from envparity.config.proposals.proposal import Proposal
from envparity.errors import ConfigurationError
from envparity.sources.yaml_nodes import Node, documents

__all__ = ["channel_paths", "contracts"]

_PLACES: Final = ("", "*/", "*/*/")
_NAMES: Final = ("*asyncapi*.yaml", "*asyncapi*.yml", "*asyncapi*.json")
_PASSED_OVER: Final = frozenset({"node_modules", "tests", "test", "examples", "venv"})


def contracts(folder: Path) -> list[Proposal[str]]:
    """The documents of the folder and of folders in it, the nearest first."""
    return [
        Proposal(path.relative_to(folder).as_posix(), f"asyncapi: {version}") for path, _, version in _found(folder)
    ]


def channel_paths(folder: Path) -> Iterator[Proposal[str]]:
    """The paths of their channels, where these are paths."""
    for path, whole, _ in _found(folder):
        channels = whole.at("channels")
        for key, channel in channels.table.items() if channels is not None else ():
            address = channel.text_at("address") or key
            if address.startswith("/"):
                yield Proposal(address.replace("{", "{uuid:"), f"{path.relative_to(folder).as_posix()}:{channel.line}")


def _found(folder: Path) -> Iterator[tuple[Path, Node, str]]:
    for place in _PLACES:
        for path in sorted({path for name in _NAMES for path in folder.glob(place + name)}):
            parts = path.relative_to(folder).parts[:-1]
            if any(part.startswith(".") or part in _PASSED_OVER for part in parts):
                continue
            try:
                whole = next(iter(documents(path)), None)
            except (ConfigurationError, OSError, UnicodeDecodeError):
                continue
            version = whole.text_at("asyncapi") if whole is not None else None
            if whole is not None and version is not None:
                yield path, whole, version
