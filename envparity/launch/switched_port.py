"""A TCP port that is held all the time, and on which clients are taken or refused."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

__all__ = ["SwitchedPort", "family_of"]

log = logging.getLogger(__name__)

_ACCEPT_AGAIN_S = 0.05  # when the process has no more descriptors: waiting is all that can be done
_BACKLOG = 512


class SwitchedPort:
    """A port of `host`, which is the same from `hold` to `release`; each client that comes is given to `take`."""

    def __init__(self, host: str, take: Callable[[socket.socket, tuple[str, int]], None], name: str) -> None:
        self._host, self._take, self._name = host, take, name
        self.number = 0
        self._holder: socket.socket | None = None  # bound, never listening: keeps the port while it refuses
        self._listener: socket.socket | None = None

    def hold(self) -> None:
        """Have a port, and refuse whoever comes there."""
        self._holder = self._held()
        self.number = int(self._holder.getsockname()[1])

    def release(self) -> Callable[[], None]:
        """Take nobody from the next `switch` on; what is returned gives the port back."""
        holder, self._holder = self._holder, None
        return (lambda: None) if holder is None else holder.close

    def switch(self, *, wanted: bool) -> None:
        """Take clients from now on, where they are wanted, else refuse them: at once."""
        loop = asyncio.get_running_loop()
        if wanted and self._holder is not None and self._listener is None:
            self._listener = self._listening(self._holder)
            loop.add_reader(self._listener, self.accept, self._listener)
        elif (not wanted or self._holder is None) and self._listener is not None:
            loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    @property
    def listener(self) -> socket.socket | None:
        """What clients connect to; None while they are refused."""
        return self._listener

    def accept(self, listener: socket.socket) -> None:
        """Take every client that waits (called when there is one)."""
        while True:
            try:
                client, peer = listener.accept()
            except (BlockingIOError, ConnectionAbortedError, InterruptedError):
                return
            except OSError as error:
                log.warning("proxy %s cannot accept, and tries again: %s", self._name, error)
                loop = asyncio.get_running_loop()
                loop.remove_reader(listener)
                loop.call_later(_ACCEPT_AGAIN_S, self._accept_again, listener)
                return
            client.settimeout(0)
            self._take(client, peer)

    def _accept_again(self, listener: socket.socket) -> None:
        if listener is self._listener:
            asyncio.get_running_loop().add_reader(listener, self.accept, listener)

    def _held(self) -> socket.socket:
        made = socket.socket(family_of(self._host), socket.SOCK_STREAM)
        try:
            made.bind((self._host, 0))
        except OSError:
            made.close()
            raise
        return made

    def _listening(self, holder: socket.socket) -> socket.socket:
        """A second socket on the holder's port, which listens.

        There may be two where both say that they share it and one of them does not listen. The holder says so for this
        moment only: an engine that publishes a container's port would else listen beside it.
        """
        made = socket.socket(family_of(self._host), socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.settimeout(0)
            made.bind((self._host, self.number))
            made.listen(_BACKLOG)
        except OSError:
            made.close()
            raise
        finally:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        return made


def family_of(host: str) -> socket.AddressFamily:
    """Of which family that address is."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET
