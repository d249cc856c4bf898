"""A TCP port that is held all the time, and on which clients are taken or refused."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

__all__ = ["SwitchedPort", "SwitchedPorts", "family_of"]

log = logging.getLogger(__name__)

_ACCEPT_AGAIN_S = 0.05  # when the process has no more descriptors: waiting is all that can be done
_BACKLOG = 512


class SwitchedPort:
    """A port of `host`, which is the same from `hold` to `release`; each client that comes is given to `take`, with
    its address and the port.

    It is the one of that `number`, or for 0 any that is free.
    """

    def __init__(
        self, host: str, take: Callable[[socket.socket, tuple[str, int], int], None], name: str, number: int = 0
    ) -> None:
        self.host, self._take, self._name = host, take, name
        self.number = number
        self._holder: socket.socket | None = None  # bound, never listening: keeps the port while it refuses
        self._listener: socket.socket | None = None

    def hold(self) -> None:
        """Have a port, and refuse whoever comes there. Raises `OSError` where somebody else has it."""
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
            self._take(client, peer, self.number)

    def _accept_again(self, listener: socket.socket) -> None:
        if listener is self._listener:
            asyncio.get_running_loop().add_reader(listener, self.accept, listener)

    def _held(self) -> socket.socket:
        made = socket.socket(family_of(self.host), socket.SOCK_STREAM)
        try:
            made.bind((self.host, self.number))
        except OSError:
            made.close()
            raise
        return made

    def _listening(self, holder: socket.socket) -> socket.socket:
        """A second socket on the holder's port, which listens.

        There may be two where both say that they share it and one of them does not listen. The holder says so for this
        moment only: an engine that publishes a container's port would else listen beside it.
        """
        made = socket.socket(family_of(self.host), socket.SOCK_STREAM)
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.settimeout(0)
            made.bind((self.host, self.number))
            made.listen(_BACKLOG)
        except OSError:
            made.close()
            raise
        finally:
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
        return made


class SwitchedPorts:
    """A port as a `SwitchedPort` has it, and a usual one beside it where there is one: held and switched alike."""

    def __init__(
        self, host: str, take: Callable[[socket.socket, tuple[str, int], int], None], name: str, usual: int | None
    ) -> None:
        self.first = SwitchedPort(host, take, name)
        self._all = [self.first, *([SwitchedPort(host, take, name, usual)] if usual else [])]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Those of all of them, once they are held."""
        return tuple(port.number for port in self._all)

    def hold(self) -> None:
        """Have them all, or none: raises `OSError` where somebody else has one."""
        try:
            for port in self._all:
                port.hold()
        except OSError:
            self.release()()
            raise

    def release(self) -> Callable[[], None]:
        """Take nobody from the next `switch` on; what is returned gives them back."""
        returns = [port.release() for port in self._all]

        def give_back() -> None:
            for each in returns:
                each()

        return give_back

    def switch(self, *, wanted: bool) -> None:
        """Take clients from now on, where they are wanted, else refuse them: at once."""
        for port in self._all:
            port.switch(wanted=wanted)


def family_of(host: str) -> socket.AddressFamily:
    """Of which family that address is."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET
