"""Steps that connect, of the handshakes of a recording."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from envparity.model.backend import Backend
from envparity.recording.credentials import ShownCredential, offered
from envparity.recording.events import WebSocketOpened, first_of
from envparity.recording.turns import cookies_of, is_usual, query_of
from envparity.recording.unsayable import query_table, sayable
from envparity.recording.values import Values

__all__ = ["ConnectTables"]

Table = dict[str, object]

_SWITCHING: Final = 101


@dataclass(frozen=True)
class ConnectTables:
    """Those of one recording. `shown` is which credential each connection has shown; `needed` are the turns over HTTP
    that are steps, with the cookies that each brings to the connection called `first`.
    """

    values: Values
    backend: Backend
    shown: Mapping[str, ShownCredential]
    needed: Mapping[int, Collection[str]]
    first: str

    def table(self, event: WebSocketOpened, number: int) -> Table:
        """The step that opened a connection in that turn."""
        shown, backend = self.shown.get(event.connection), self.backend
        carrier = shown.carrier if shown is not None else None
        table: Table = {"connect": "valid" if shown is not None else "none"}
        if shown is not None:
            user = self.values.said(shown.user, number)
            table |= {"user": user[6:-1]} if str(user).startswith("{user:") else {}
            usual = backend.tokens.carriers[0] if backend.tokens is not None else None
            table |= {"carrier": shown.carrier.name} if shown.carrier != usual else {}
        table |= {"transport": event.transport} if event.transport != "websocket" else {}
        table |= self._target(event, number, carrier.query if carrier is not None else None)
        headers = {
            name: sayable(self.values.said(value, number), f"the header {name}")
            for name, value in event.headers
            if not is_usual(name) and not _carries(carrier.header if carrier is not None else None, name)
        }
        table |= {"headers": headers} if headers else {}
        cookies = self._cookies(event, number, carrier.cookie if carrier is not None else None)
        table |= {"cookies": cookies} if cookies else {}
        table |= _origin(event.headers, backend.origin)
        if event.transport == "websocket":
            table |= self._subprotocols(event, carrier.subprotocol if carrier is not None else None)
        return table | ({"status": event.status} if event.status != _SWITCHING else {})

    def _target(self, event: WebSocketOpened, number: int, token_query: str | None) -> Table:
        path = self.values.said_path(event.path, number)
        if event.target == self.backend.websocket_path and path == event.path:
            return {}
        usual_path, _, usual_query = self.backend.websocket_path.partition("?")
        usual = query_of(f"?{usual_query}")
        pairs = [pair for pair in query_of(event.target) if pair not in usual and pair[0] != token_query]
        if self.backend.tokens is not None and "{" in usual_path:
            path = event.path
        table: Table = {} if path == usual_path else {"path": sayable(path, "a path")}
        query = query_table(pairs, self.values, number)
        return table | ({"query": query} if query else {})

    def _cookies(self, event: WebSocketOpened, number: int, token_cookie: str | None) -> Table:
        """Those that the steps over HTTP before it have not brought."""
        brought = {name for index, names in self.needed.items() if index < number for name in names}
        on_the_jar = event.connection == self.first
        found: Table = {}
        for name, value in cookies_of(event).items():
            if name == token_cookie or (on_the_jar and name in brought):
                continue
            said = self.values.said(value, number)
            if said != value:
                found[name] = said
        return found

    def _subprotocols(self, event: WebSocketOpened, token_form: str | None) -> Table:
        form = token_form.partition("{")[0] if token_form is not None else None
        names = tuple(name for name in offered(event) if form is None or not name.startswith(form))
        table: Table = {} if names == self.backend.subprotocols else {"offer": list(names)}
        usual = next((name for name in self.backend.subprotocols if name in names), "")
        return table | ({"subprotocol": event.subprotocol} if event.subprotocol != usual else {})


def _origin(headers: Sequence[tuple[str, str]], usual: str | None) -> Table:
    origin, host = first_of(headers, "origin"), first_of(headers, "host")
    own = bool(origin) and origin.partition("://")[2] == host
    said = "allowed" if own else origin or "none"
    return {} if said == (usual or "none") else {"origin": said}


def _carries(header: str | None, name: str) -> bool:
    return header is not None and header.partition(":")[0].strip().lower() == name.lower()
