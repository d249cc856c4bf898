"""Host names: asked for anew each time, without ever holding up the end of the program."""

from __future__ import annotations

import asyncio
import socket
import threading

__all__ = ["Address", "NameResolver"]

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]


class NameResolver:
    """Asks the system's resolver, one question at a time.

    The resolver cannot be interrupted. A question that nobody waits for any more goes on in a thread that the end of
    the program does not wait for; until it is answered there is no other, so that a dead resolver costs one thread.
    """

    def __init__(self) -> None:
        self._asking = False

    async def addresses(self, host: str, port: int) -> list[Address]:
        """The addresses of that host, as the resolver orders them. Raises `socket.gaierror`; has no deadline."""
        if self._asking:
            raise socket.gaierror(socket.EAI_AGAIN, "the resolver has not answered the question before this one")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[Address] | OSError] = loop.create_future()

        def ask() -> None:
            found: list[Address] | OSError
            try:
                found = [(item[0], item[4]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
            except OSError as error:
                found = error
            except UnicodeError:  # a label that no name may have
                found = socket.gaierror(socket.EAI_NONAME, "not a host name")
            try:
                loop.call_soon_threadsafe(tell, found)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

        def tell(found: list[Address] | OSError) -> None:
            self._asking = False
            if not answer.done():
                answer.set_result(found)

        self._asking = True
        threading.Thread(target=ask, name="host name", daemon=True).start()
        told = await answer
        if isinstance(told, OSError):
            raise told
        return told
