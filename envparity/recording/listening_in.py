"""Reading along with one TCP connection: HTTP by h11, then a WebSocket. No socket: bytes come in.

What cannot be understood is passed on all the same: reading ends there, and the recording says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import h11

from envparity.recording.events import Headers, HttpExchange, Recording, WebSocketOpened, first_of
from envparity.recording.websocket import SocketListener

__all__ = ["LONGEST_BODY", "ConnectionNames", "Listener"]

LONGEST_BODY: Final = 1024 * 1024
"""How long a body over HTTP may be for it to be recorded, in bytes."""
_LONGEST_HEAD: Final = 256 * 1024
_BEGINS_JSON: Final = frozenset('{["')
_SWITCHING = 101


class ConnectionNames:
    """Names for WebSockets, in the order in which they are opened: a, b and so on, after z a2."""

    def __init__(self) -> None:
        self._given = 0

    def next(self) -> str:
        """The next name."""
        round_, place = divmod(self._given, 26)
        self._given += 1
        return chr(ord("a") + place) + (str(round_ + 1) if round_ else "")


class Listener:
    """One TCP connection between a client and the backend. `clock` gives seconds since the recording began; `ended` is
    called when a WebSocket was closed.
    """

    def __init__(
        self,
        recording: Recording,
        names: ConnectionNames,
        clock: Callable[[], float],
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._recording, self._names, self._clock, self._ended = recording, names, clock, ended
        self._http: _Http | None = _Http(recording, clock, self._switched, names)
        self._socket: SocketListener | None = None

    @property
    def is_socket(self) -> bool:
        """Whether it has become a WebSocket."""
        return self._socket is not None

    @property
    def is_open(self) -> bool:
        """Whether it is a WebSocket that nobody has closed yet."""
        return self._socket is not None and not self._socket.closed

    def from_client(self, data: bytes) -> None:
        """The client sent these bytes."""
        if self._http is not None:
            self._understand(lambda http: http.from_client(data))
        elif self._socket is not None:
            self._socket.from_client(data)

    def from_server(self, data: bytes) -> None:
        """The backend sent these bytes."""
        if self._http is not None:
            self._understand(lambda http: http.from_server(data))
        elif self._socket is not None:
            self._socket.from_server(data)

    def over(self, *, by_client: bool) -> None:
        """One side has ended the connection."""
        if self._http is not None and not by_client:
            self._understand(lambda http: http.from_server(b""))
        elif self._socket is not None:
            self._socket.over(by_client=by_client)

    def _understand(self, read: Callable[[_Http], None]) -> None:
        http = self._http
        if http is None:
            return
        try:
            read(http)
        except h11.ProtocolError as error:
            self._http = None
            self._recording.note(f"a connection that does not speak HTTP was passed on, and not recorded: {error}")

    def _switched(self, opened: WebSocketOpened, extensions: str, client: bytes, server: bytes) -> None:
        """The connection is a WebSocket from here on; what has come of it already is read at once."""
        self._http = None
        try:
            socket = SocketListener(self._recording, opened.connection, self._clock, extensions, self._ended)
        except ValueError as error:
            self._recording.note(f"a WebSocket with an extension that is not known was not recorded: {error}")
            return
        self._recording.add(opened)
        self._socket = socket
        socket.from_client(client)
        socket.from_server(server)


class _Http:
    """Requests and answers, until one of them makes a WebSocket of the connection."""

    def __init__(
        self,
        recording: Recording,
        clock: Callable[[], float],
        switched: Callable[[WebSocketOpened, str, bytes, bytes], None],
        names: ConnectionNames,
    ) -> None:
        self._recording, self._clock, self._switched, self._names = recording, clock, switched, names
        self._asking = h11.Connection(h11.SERVER, _LONGEST_HEAD)
        self._answering = h11.Connection(h11.CLIENT, _LONGEST_HEAD)
        self._began_s = 0.0
        self._request: h11.Request | None = None
        self._response: h11.Response | None = None
        self._body, self._answer = _Body(), _Body()
        self._answered = False

    @property
    def _took_s(self) -> float:
        return round(self._clock() - self._began_s, 6)

    def from_client(self, data: bytes) -> None:
        self._asking.receive_data(data)
        self._asked()

    def _asked(self) -> None:
        while True:
            event = self._asking.next_event()
            if isinstance(event, h11.Request):
                self._request, self._began_s = event, self._clock()
                self._body, self._answer, self._response, self._answered = _Body(), _Body(), None, False
                self._answering.send(event)
            elif isinstance(event, h11.Data):
                self._body.add(bytes(event.data))
                self._answering.send(event)
            elif isinstance(event, h11.EndOfMessage):
                self._answering.send(event)
                self._next_cycle()
            else:
                return

    def from_server(self, data: bytes) -> None:
        if self._request is None:
            return
        self._answering.receive_data(data)
        while True:
            event = self._answering.next_event()
            if isinstance(event, h11.InformationalResponse) and event.status_code == _SWITCHING:
                self._switch(event)
                return
            if isinstance(event, h11.Response):
                self._response = event
            elif isinstance(event, h11.Data):
                self._answer.add(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                self._keep()
                self._answered = True
                self._next_cycle()
            elif not isinstance(event, h11.InformationalResponse):
                return

    def _next_cycle(self) -> None:
        """Go on with the next request, once this one and its answer are over."""
        if not self._answered or self._answering.our_state is not h11.DONE:
            return
        self._answered = False
        self._asking.send(h11.Response(status_code=204, headers=[]))
        self._asking.send(h11.EndOfMessage())
        lasting = all(
            state is h11.DONE
            for connection in (self._asking, self._answering)
            for state in (connection.our_state, connection.their_state)
        )
        if lasting:
            self._asking.start_next_cycle()
            self._answering.start_next_cycle()
            self._asked()

    def _switch(self, answer: h11.InformationalResponse) -> None:
        request = self._request
        assert request is not None  # noqa: S101  an answer has a request
        headers = _text(answer.headers)
        opened = WebSocketOpened(
            at_s=self._began_s,
            connection=self._names.next(),
            target=request.target.decode("latin-1"),
            headers=_text(request.headers),
            subprotocol=first_of(headers, "sec-websocket-protocol"),
            took_s=self._took_s,
        )
        extensions = ", ".join(value for name, value in headers if name.lower() == "sec-websocket-extensions")
        self._switched(opened, extensions, self._asking.trailing_data[0], self._answering.trailing_data[0])

    def _keep(self) -> None:
        request, response = self._request, self._response
        if request is None or response is None:
            return
        headers, target = _text(request.headers), request.target.decode("latin-1")
        if first_of(headers, "upgrade").lower() == "websocket":
            status, name = response.status_code, self._names.next()
            self._recording.add(
                WebSocketOpened(at_s=self._began_s, connection=name, target=target, headers=headers, status=status)
            )
            return
        self._recording.add(
            HttpExchange(
                at_s=self._began_s,
                request=f"{request.method.decode('latin-1')} {target}",
                headers=headers,
                body=self._body.text(),
                status=response.status_code,
                answer_headers=_text(response.headers),
                answer=_of_interest(self._answer.text(), first_of(_text(response.headers), "content-type")),
                took_s=self._took_s,
            )
        )


def _of_interest(answer: str | None, kind: str) -> str | None:
    """An answer of JSON or of plain text; of pages and programs nothing is used."""
    plain = kind.partition(";")[0].strip().lower() == "text/plain"
    return answer if answer is None or plain or answer.lstrip()[:1] in _BEGINS_JSON else ""


class _Body:
    """A body, while it is short enough."""

    def __init__(self) -> None:
        self._held: bytearray | None = bytearray()

    def add(self, data: bytes) -> None:
        if self._held is not None:
            self._held += data
            if len(self._held) > LONGEST_BODY:
                self._held = None

    def text(self) -> str | None:
        """As text; None where it is none, or too long."""
        try:
            return None if self._held is None else self._held.decode()
        except UnicodeDecodeError:
            return None


def _text(headers: h11._headers.Headers) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.raw_items())
