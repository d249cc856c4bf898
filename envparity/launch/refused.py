"""Who tries to connect to a port that is closed: the system refuses them, and tells nobody but who may see packets."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import ipaddress
import socket
import struct
from collections.abc import Callable
from typing import Self

__all__ = ["RefusedClients"]

_IP = 0x0800
_ATTACH_FILTER = 26  # SO_ATTACH_FILTER, which the socket module does not have
_SHOWN_BYTES = 64
_SOURCE, _DESTINATION = slice(12, 16), 16

# Classic BPF over an IPv4 packet: a first fragment of TCP to that address and port, with SYN and without ACK.
_LOAD_BYTE, _LOAD_HALF, _LOAD_WORD, _LOAD_HEADER = 0x30, 0x28, 0x20, 0xB1
_LOAD_BYTE_X, _LOAD_HALF_X, _AND, _EQUAL, _ANY_BIT, _RETURN = 0x50, 0x48, 0x54, 0x15, 0x45, 0x06


class RefusedClients:
    """Tells `came` the address of each client whose connection to that port is tried, for as long as it is open.

    The client is refused as by any closed port: this only watches, and takes root, or CAP_NET_RAW.
    """

    def __init__(self, watching: socket.socket, came: Callable[[str], None]) -> None:
        self._watching, self._came = watching, came
        asyncio.get_running_loop().add_reader(watching, self._read)

    @classmethod
    def of(cls, host: str, port: int, came: Callable[[str], None]) -> Self | None:
        """Those of that address of this machine; None where nobody may see them, and for an address of IPv6."""
        address = ipaddress.ip_address(host)
        packets = getattr(socket, "AF_PACKET", None)
        if packets is None or not isinstance(address, ipaddress.IPv4Address):
            return None
        try:
            watching = socket.socket(packets, socket.SOCK_DGRAM, socket.htons(_IP))
        except OSError:
            return None
        try:
            watching.setblocking(False)  # noqa: FBT003  the socket module has it so
            _attach(watching, int(address), port)
            _forget(watching)
        except OSError:
            watching.close()
            return None
        return cls(watching, came)

    def close(self) -> None:
        """Tell what has come until now, and watch no more."""
        asyncio.get_running_loop().remove_reader(self._watching)
        self._read()
        self._watching.close()

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            while True:
                packet = self._watching.recv(_SHOWN_BYTES)
                self._came(socket.inet_ntoa(packet[_SOURCE]))


def _forget(watching: socket.socket) -> None:
    """What came before there was a filter."""
    with contextlib.suppress(BlockingIOError):
        while True:
            watching.recv(_SHOWN_BYTES)


def _attach(watching: socket.socket, address: int, port: int) -> None:
    """Let through what the port's clients begin with. Raises OSError."""
    program = [
        (_LOAD_BYTE, 0, 0, 9),
        (_EQUAL, 0, 10, socket.IPPROTO_TCP),
        (_LOAD_HALF, 0, 0, 6),
        (_ANY_BIT, 8, 0, 0x1FFF),
        (_LOAD_WORD, 0, 0, _DESTINATION),
        (_EQUAL, 0, 6, address),
        (_LOAD_HEADER, 0, 0, 0),
        (_LOAD_HALF_X, 0, 0, 2),
        (_EQUAL, 0, 3, port),
        (_LOAD_BYTE_X, 0, 0, 13),
        (_AND, 0, 0, 0x12),
        (_EQUAL, 1, 0, 0x02),
        (_RETURN, 0, 0, 0),
        (_RETURN, 0, 0, _SHOWN_BYTES),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    watching.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))
