"""What a warm agent answers, and how it can fail to."""

from __future__ import annotations

import msgspec

from envparity.errors import LaunchError

__all__ = [
    "AgentGone",
    "AgentHello",
    "AgentRefused",
    "BootEnd",
    "BootLog",
    "BootState",
    "Booted",
    "LoadedModule",
    "ModulesReport",
    "SkippedModule",
]


class AgentGone(LaunchError):
    """The agent cannot be reached, or its connection has ended; every boot that it had is dead."""


class AgentRefused(LaunchError):
    """The agent will not do what it was asked for; the message says why."""


class AgentHello(msgspec.Struct, frozen=True):
    """Who answers: its process, its Python, how many modules it holds, and its threads, which must be one."""

    protocol: int
    pid: int
    uid: int
    python: str
    folder: str
    loaded: int
    threads: int


class LoadedModule(msgspec.Struct, frozen=True):
    """A module that the agent holds, where it came from (None: built in), and how long its import took."""

    name: str
    file: str | None
    seconds: float


class SkippedModule(msgspec.Struct, frozen=True):
    """A module that every boot imports anew, and why."""

    name: str
    reason: str


class ModulesReport(msgspec.Struct, frozen=True):
    """What one request to load modules has come to.

    `own` are the backend's; `reads` the variables that modules have read while they were imported, and which ("*": all,
    one after the other); `loaded` how many modules the agent holds in all; `unfit` why it can fork no boot, if so.
    """

    imported: tuple[LoadedModule, ...]
    left_out: tuple[SkippedModule, ...]
    own: tuple[str, ...]
    reads: dict[str, tuple[str, ...]]
    loaded: int
    unfit: str = ""


class BootEnd(msgspec.Struct, frozen=True):
    """How a boot ended. `code` as an engine says it (128 plus the signal); `killed` why the agent killed it, if it did.

    That is "stop" (asked for), "grace" (it did not heed SIGTERM in time), "lifetime" (its deadline) or "agent".
    """

    code: int
    signal: int | None
    killed: str | None
    wall_s: float
    user_s: float
    system_s: float
    max_rss_kib: int


class BootState(msgspec.Struct, frozen=True):
    """Whether a boot runs, and how it ended if not."""

    boot: int
    running: bool
    exit: BootEnd | None


class BootLog(msgspec.Struct, frozen=True):
    """The end of a boot's output; `dropped` bytes before it are gone."""

    text: str
    dropped: int


class Booted(msgspec.Struct, frozen=True):
    """A boot as it begins: its number and process, and what the fork took."""

    boot: int
    pid: int
    fork_s: float
