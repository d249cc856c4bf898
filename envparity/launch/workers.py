"""Which process answers a connection, asked of the kernel: several worker processes may accept at one port."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from envparity.launch.tcp_table import OWN_NETWORK, tcp_sockets

__all__ = ["Accepted", "SeesWorkers", "Workers", "owner_of", "workers_at"]

_PROCESSES = Path("/proc")
_SOCKET = "socket:["


@dataclass(frozen=True)
class Accepted:
    """A connection that a process has accepted: which one it is to the kernel, and the port of the other side."""

    inode: int
    peer_port: int


@dataclass(frozen=True)
class Workers:
    """The processes at a port: those that listen, and of each open connection the one that answers it."""

    listening: frozenset[int]
    answering: dict[Accepted, int]

    @property
    def processes(self) -> frozenset[int]:
        """All of them."""
        return self.listening | frozenset(self.answering.values())

    def of(self, peer_port: int | None, before: Collection[Accepted]) -> int | None:
        """The process that answers a connection that was not there `before`: from that port, where that is known.

        Behind something that passes connections on, no port tells which it is: then it is the only new one. None where
        nobody can say.
        """
        new = {value: pid for value, pid in self.answering.items() if value not in before}
        ours = {pid for each_value, pid in new.items() if each_value.peer_port == peer_port} or set(new.values())
        return next(iter(ours)) if len(ours) == 1 else None


@runtime_checkable
class SeesWorkers(Protocol):
    """A stack of which can be seen which process answers."""

    async def workers(self, replica: int) -> Workers | None:
        """The processes of that replica at its port; None where the kernel does not show them."""
        ...


async def workers_at(port: int, network: Path = OWN_NETWORK) -> Workers | None:
    """The processes at that port of that network; None elsewhere than on Linux, or where it cannot be read."""
    return await asyncio.to_thread(_workers_at, port, network)


def _workers_at(port: int, network: Path) -> Workers | None:
    sockets = tcp_sockets(network)
    if sockets is None:
        return None
    at_port = [socket for socket in sockets if socket.port == port]
    listening = {tcp_socket.inode for tcp_socket in at_port if tcp_socket.listens}
    accepted = {
        tcp_socket.inode: Accepted(tcp_socket.inode, tcp_socket.peer_port)
        for tcp_socket in at_port
        if tcp_socket.connected and tcp_socket.inode
    }
    owners: dict[int, set[int]] = {}
    for pid, inode in _sockets():
        if inode in listening or inode in accepted:
            owners.setdefault(inode, set()).add(pid)
    return Workers(
        frozenset(pid for inode in listening for pid in owners.get(inode, ())),
        # A child that was made meanwhile holds its parent's connections too: the parent answers.
        {value: min(owners[inode]) for inode, value in accepted.items() if inode in owners},
    )


def owner_of(port: int, peer_port: int, network: Path = OWN_NETWORK) -> int | None:
    """The process that has the connection from that port to the other; None where the kernel does not say."""
    ours = (socket for socket in tcp_sockets(network) or () if (socket.port, socket.peer_port) == (port, peer_port))
    wanted = {tcp_socket.inode for tcp_socket in ours if tcp_socket.connected and tcp_socket.inode}
    return next((pid for pid, inode in _sockets() if inode in wanted), None) if wanted else None


def _sockets() -> Iterator[tuple[int, int]]:
    """Every socket that a process has open, of those processes that may be looked at."""
    for place in _PROCESSES.iterdir():
        if not place.name.isdecimal():
            continue
        with contextlib.suppress(OSError):
            for entry in (place / "fd").iterdir():
                with contextlib.suppress(OSError):
                    target = str(entry.readlink())
                    if target.startswith(_SOCKET):
                        yield int(place.name), int(target[len(_SOCKET) : -1])
