"""Reading along with a WebSocket: whole messages of both sides, and how it was closed. No socket: bytes come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from websockets.exceptions import InvalidHeader
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Close, Frame, Opcode
from websockets.headers import parse_extension
from websockets.protocol import Protocol, Side, State

from envparity.recording.events import MessageReceived, MessageSent, Recording, WebSocketClosed

__all__ = ["SocketListener"]

_LONGEST_MESSAGE: Final = 16 * 1024 * 1024
_NO_CLOSE: Final = 1006


class SocketListener:
    """The messages of a WebSocket, in both directions. Raises `ValueError` for extensions that are not known."""

    def __init__(
        self, recording: Recording, name: str, clock: Callable[[], float], extensions: str, ended: Callable[[], None]
    ) -> None:
        self._recording, self._name, self._clock, self._ended = recording, name, clock, ended
        self._client = Protocol(Side.SERVER, state=State.OPEN, max_size=_LONGEST_MESSAGE)
        self._server = Protocol(Side.CLIENT, state=State.OPEN, max_size=_LONGEST_MESSAGE)
        self._client.extensions = _extensions(extensions, "client")
        self._server.extensions = _extensions(extensions, "server")
        self._pieces: dict[bool, list[Frame]] = {True: [], False: []}
        self.closed = False

    def from_client(self, data: bytes) -> None:
        self._read(self._client, data, by_client=True)

    def from_server(self, data: bytes) -> None:
        self._read(self._server, data, by_client=False)

    def over(self, *, by_client: bool) -> None:
        """The connection is gone; where nobody had said so, that is how it was closed."""
        self._close(_NO_CLOSE, "", by_client=by_client)

    def _read(self, protocol: Protocol, data: bytes, *, by_client: bool) -> None:
        if not data or self.closed:
            return
        protocol.receive_data(data)
        protocol.data_to_send()  # what a peer would answer; the real ones do
        for frame in protocol.events_received():
            if isinstance(frame, Frame):
                self._frame(frame, by_client=by_client)
        if protocol.parser_exc is not None and not self.closed:
            self._recording.note(f"of the WebSocket {self._name} no more could be read: {protocol.parser_exc}")
            self.closed = True
            self._ended()

    def _frame(self, frame: Frame, *, by_client: bool) -> None:
        if frame.opcode is Opcode.CLOSE:
            close = Close.parse(frame.data)
            self._close(close.code, close.reason, by_client=by_client)
            return
        if frame.opcode not in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            return
        pieces = self._pieces[by_client]
        pieces.append(frame)
        if not frame.fin:
            return
        is_text, data = pieces[0].opcode is Opcode.TEXT, b"".join(bytes(piece.data) for piece in pieces)
        pieces.clear()
        kind = MessageSent if by_client else MessageReceived
        text = data.decode(errors="replace") if is_text else None
        self._recording.add(
            kind(at_s=self._clock(), connection=self._name, text=text, base64=None if is_text else data)
        )

    def _close(self, code: int, reason: str, *, by_client: bool) -> None:
        if self.closed:
            return
        self.closed = True
        by: Literal["client", "server"] = "client" if by_client else "server"
        self._recording.add(WebSocketClosed(at_s=self._clock(), connection=self._name, by=by, code=code, reason=reason))
        self._ended()


def _extensions(text: str, sender: str) -> list[Extension]:
    """What reads the frames of that sender, as the backend has agreed to it (RFC 7692 §7.1)."""
    found: list[Extension] = []
    try:
        agreed = parse_extension(text) if text else []
    except InvalidHeader as error:
        raise ValueError(str(error)) from error
    for name, parameters in agreed:
        if name != "permessage-deflate":
            raise ValueError(name)
        said = dict(parameters)
        anew = f"{sender}_no_context_takeover" in said
        bits = int(said.get(f"{sender}_max_window_bits") or 15)
        found.append(PerMessageDeflate(anew, True, bits, 15))  # noqa: FBT003  positions are the package's own
    return found
