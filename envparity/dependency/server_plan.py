"""What a launcher starts for a dependency: a container or a process, and the server as somebody reaches it."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["PROCESSES", "WRITABLE", "Built", "ProcessPlan", "Server", "ServerPlan"]

PROCESSES: Final = 512
"""How many processes a server may have, where it does not say otherwise."""

WRITABLE: Final = ("/tmp",)  # noqa: S108  the container's own
"""What a server may write to beside its volumes, where it does not say otherwise."""


@dataclass(frozen=True)
class Built:
    """An image that is built: its Dockerfile, the folder that is its context, and globs of what of that is sent."""

    dockerfile: Path
    context: Path
    include: tuple[str, ...] = ("**",)


@dataclass(frozen=True)
class ServerPlan:
    """A container to start. `files` are path to (content, mode); neither they nor `variables` are ever printed.

    `port` is published, and so are `more_ports`. `volumes` are folders that begin as in the image, lie outside the
    container's layers (where small files are slow to make), and last as long as the container. `memory_folder_mib` is
    how much /dev/shm holds at most. A server that is ours has a limit of memory, and of processes; its root is
    read-only but for `tmpfs` and `volumes`. `command` and `entrypoint` stand in place of the image's own, where they
    are given; `trusts` says that it finds the certificate of the run's authority where the backend does.
    """

    image: str  # the name by which the launcher knows it
    port: int
    variables: Mapping[str, str] = field(repr=False)
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict, repr=False)
    tmpfs: tuple[str, ...] = ()
    more_ports: tuple[int, ...] = ()
    volumes: tuple[str, ...] = ()
    memory_folder_mib: int = 64
    memory_mib: int | None = None
    processes: int = PROCESSES
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    trusts: bool = False


@dataclass(frozen=True)
class Server:
    """A server as somebody reaches it: its address, the password ("" for none), how TLS is spoken with it, if it is."""

    host: str
    port: int
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ProcessPlan:
    """A process to start: the program, by its path or its name, with its arguments, and files for its folder, by name.

    `variables` are what it has in its environment beside `PATH`, `HOME` and `TMPDIR`; they may hold secrets. `code` is
    the folder that it works in, as whoever owns that; left out: the server's own folder, as who runs servers where that
    user may run the program. `as_we_are`: as the user who runs envparity, also where that is root, for nobody else can
    read the program.
    """

    argv: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    code: Path | None = None
    as_we_are: bool = False
