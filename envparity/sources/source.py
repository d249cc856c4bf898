"""What a source of an environment is, and the door by which sources come in: `envparity.sources`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from envparity.doors import Door
from envparity.model.environment import DeploymentNote

__all__ = ["SOURCES", "UNKNOWN", "DeploymentNote", "Key", "ReadsTogether", "Said", "Source"]

UNKNOWN: Final = "envparity0unknown0"
"""What stands in `Said.partly` for what only the platform knows."""
Key = tuple[str, ...]
"""The way to a value of an environment file: `("platform", "cpus")`."""


@dataclass(frozen=True)
class Said:
    """What a file says of an environment: literal settings by name, the 1-based line of each, and what else it knows.

    `tables` are parts of an environment file (`platform`, `dependencies`, …), checked as those of the file itself are;
    `places` says where a value stands that is not in `lines`: the path of its file and the line. `hosts` are the names
    of dependencies by the host names under which settings know them. `notes` is what only the platform knows, and what
    no boot takes. Where it is a `deployment`, settings that name the host of a server are composed from that server;
    `partly` are settings of which something is not known, with `UNKNOWN` for it: taken where that is a server's own.
    """

    settings: Mapping[str, str] = field(repr=False)
    lines: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, object] = field(default_factory=dict, repr=False)
    places: Mapping[Key, tuple[Path, int]] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[DeploymentNote, ...] = ()
    deployment: bool = False
    partly: Mapping[str, str] = field(default_factory=dict, repr=False)


class Source(ABC):
    """One format of files that say what a deployment is."""

    @abstractmethod
    def reads(self, path: Path) -> bool:
        """Whether a file of that name is one of this format. The file need not be there."""

    @abstractmethod
    def read(self, path: Path, part: str) -> Said:
        """What the file says; `part` is what stands behind `#` in the environment's file, "" for all of it.

        Raises `ConfigurationError` with every mistake, each with its line, and `OSError`.
        """


@runtime_checkable
class ReadsTogether(Protocol):
    """A source that reads files of one folder, one behind the other, as one: each changes what is in those before."""

    def read_together(self, paths: Sequence[Path], part: str) -> Said:
        """What these files say, the later over the earlier. Raises as `Source.read` does."""


SOURCES: Final[Door[Source]] = Door(
    "envparity.sources", "a Source", lambda found: found if isinstance(found, Source) else None
)
