"""The TCP sockets of a network as the kernel lists them (Linux, proc_pid_net(5))."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["OWN_NETWORK", "TcpSocket", "tcp_sockets"]

OWN_NETWORK = Path("/proc/self/net")
_ESTABLISHED, _LISTEN = "01", "0A"
_INODE_AT = 9


@dataclass(frozen=True)
class TcpSocket:
    """One socket: the ports of both sides, its state, and its number, which is 0 where no process has it any more."""

    port: int
    peer_port: int
    state: str
    inode: int

    @property
    def listens(self) -> bool:
        return self.state == _LISTEN

    @property
    def connected(self) -> bool:
        return self.state == _ESTABLISHED


def tcp_sockets(network: Path = OWN_NETWORK) -> list[TcpSocket] | None:
    """Every TCP socket of that network, IPv4 and IPv6; None where the kernel does not list them."""
    tables = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            tables.append((network / name).read_text(encoding="ascii"))
    return list(_rows(tables)) if tables else None


def _rows(tables: list[str]) -> Iterator[TcpSocket]:
    for table in tables:
        for line in table.splitlines()[1:]:
            fields = line.split()
            if len(fields) > 3:
                inode = int(fields[_INODE_AT]) if len(fields) > _INODE_AT else 0
                yield TcpSocket(_port_of(fields[1]), _port_of(fields[2]), fields[3], inode)


def _port_of(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
