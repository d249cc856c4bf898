"""From a target to an open WebSocket, or to the one word for why there is none."""

from __future__ import annotations

import asyncio
import functools
import os
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.typing import Origin, Subprotocol

from envparity.conversation.resolving import Handshake
from envparity.conversation.upgrading import StraightConnect
from envparity.model.deployed.target import Target
from envparity.probe.labels import network_label, status_label
from envparity.probe.names import NameResolver

__all__ = ["MAX_FRAME_BYTES", "Network", "OpeningAnswer"]

MAX_FRAME_BYTES: Final = 1024 * 1024
_USER_AGENT: Final = "envparity-probe"
_QUEUED_FRAMES: Final = 16


@dataclass(frozen=True)
class OpeningAnswer:
    """How an attempt to open a connection went.

    `label` is one of `labels.HANDSHAKES`; `status` 0 and `error` where there was no HTTP answer, or none of a
    WebSocket's; `timed_out` the phase that took too long.
    """

    label: str
    status: int = 0
    error: str = ""
    timed_out: Literal["", "connect", "accept"] = ""
    connection: ClientConnection | None = None


class Network:
    """The way to one target. `tls` must be there where the target asks for it."""

    def __init__(self, target: Target, tls: ssl.SSLContext | None) -> None:
        self._target, self._tls = target, tls
        self._names = NameResolver()

    async def open(self, handshake: Handshake, timeout_s: float, connected: Callable[[], None]) -> OpeningAnswer:
        """Connect and upgrade. `connected` is called in between, when name, TCP and TLS are done.

        Either half may take `timeout_s` seconds.
        """
        loop = asyncio.get_running_loop()
        phase: Literal["connect", "accept"] = "connect"

        def established() -> None:
            nonlocal phase
            phase = "accept"
            deadline.reschedule(loop.time() + timeout_s)
            connected()

        try:
            async with asyncio.timeout(timeout_s) as deadline:
                connection = await self._upgrade(await self._tcp(), handshake, established)
        except TimeoutError as error:
            if not deadline.expired():  # the kernel's own, ETIMEDOUT
                return OpeningAnswer("timeout", error=_words(error))
            return OpeningAnswer("timeout", timed_out=phase)
        except (InvalidHandshake, OSError) as error:
            return _without_connection(error)
        return OpeningAnswer("101", 101, connection=connection)

    async def _tcp(self) -> socket.socket:
        """A connected socket: of the host's addresses the first that answers. Raises OSError of the last."""
        failed: OSError = socket.gaierror(socket.EAI_NONAME, "the name has no address")
        for family, address in await self._names.addresses(self._target.host, self._target.port):
            sock = socket.socket(family, socket.SOCK_STREAM)
            try:
                sock.setblocking(False)  # noqa: FBT003  the socket module has it so
                await asyncio.get_running_loop().sock_connect(sock, address)
            except OSError as error:
                sock.close()
                failed = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise failed

    async def _upgrade(
        self, sock: socket.socket, handshake: Handshake, established: Callable[[], None]
    ) -> ClientConnection:
        target = self._target
        headers = dict(handshake.headers)
        agent = next((headers.pop(name) for name in list(headers) if name.lower() == "user-agent"), _USER_AGENT)
        try:
            return await StraightConnect(
                f"{target.scheme}://{target.authority}{handshake.path}",
                sock=sock,
                ssl=self._tls,
                server_hostname=target.host.removesuffix(".") if self._tls else None,
                origin=None if handshake.origin is None else Origin(handshake.origin),
                subprotocols=[Subprotocol(name) for name in handshake.offered] or None,
                additional_headers=headers,
                user_agent_header=agent,
                create_connection=cast("type[ClientConnection]", functools.partial(_Telling, established)),
                compression=None,
                proxy=None,
                open_timeout=None,
                ping_interval=None,
                close_timeout=None,
                max_size=MAX_FRAME_BYTES,
                max_queue=_QUEUED_FRAMES,
            )
        except BaseException:
            sock.close()
            raise


class _Telling(ClientConnection):
    """A connection that tells when name, TCP and TLS are done: then asyncio hands over the transport."""

    def __init__(self, established: Callable[[], None], *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._established = established

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._established()


def _without_connection(error: InvalidHandshake | OSError) -> OpeningAnswer:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return OpeningAnswer(status_label(status), status)
    if isinstance(error, InvalidMessage):  # not HTTP, or nothing at all before the connection was lost
        return OpeningAnswer("invalid", error=str(error.__cause__ or error))
    if isinstance(error, InvalidHandshake):
        return OpeningAnswer("invalid", 101, str(error))
    return OpeningAnswer(network_label(error), error=_words(error))


def _words(error: OSError) -> str:
    """Why, in the system's words, without the address."""
    if error.errno is None or isinstance(error, ssl.SSLError | socket.gaierror):
        return error.strerror or str(error) or type(error).__name__
    return os.strerror(error.errno)
