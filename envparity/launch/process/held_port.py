"""A TCP port of 127.0.0.1 that nobody else is given as long as it is held."""

from __future__ import annotations

import random
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["HeldPort"]


_LOWEST = 15000
_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


class HeldPort:
    """Bound and never listening: a server that sets SO_REUSEADDR, as servers do, can listen on it all the same.

    It is none of those that the kernel gives to whoever asks for any free port: it would give this one too, as long as
    nobody listens. That is Linux's reading of the option; elsewhere the port is only known to have been free a moment
    ago.
    """

    def __init__(self) -> None:
        self._holder = _bound_alone()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.number: int = self._holder.getsockname()[1]
        if sys.platform != "linux":
            self._holder.close()

    def release(self) -> None:
        """Hold it no longer."""
        self._holder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def _bound_alone() -> socket.socket:
    """A socket whose port nobody else is bound to."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    for port in random.sample(range(_LOWEST, _first_ephemeral()), k=100):
        try:
            holder.bind(("127.0.0.1", port))
        except OSError:  # somebody's: two of these never share one
            continue
        return holder
    holder.bind(("127.0.0.1", 0))
    return holder


def _first_ephemeral() -> int:
    try:
        first = int(_EPHEMERAL.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        first = 32768
    return max(first, _LOWEST + 1000)
