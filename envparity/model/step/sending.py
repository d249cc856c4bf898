"""Steps of a client that speaks: it connects, sends, is silent, closes."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec

from envparity.model.step.values import Amount, Query

__all__ = [
    "OPENED",
    "SWITCHING",
    "Close",
    "Connect",
    "Flood",
    "Send",
    "SendBytes",
    "SendJson",
    "SendSize",
    "SendText",
    "SendWire",
    "Settle",
    "Silence",
]


SWITCHING: Final = 101
"""The status by which a WebSocket is accepted (RFC 6455 §4.2.2)."""

OPENED: Final = 200
"""The status by which a session of long polling is."""


class Connect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="connect"):
    """Open a connection and hand over a token, of one of the kinds that the backend's scheme makes.

    `user` names a user of this scenario, `user_id` is the form of that user's id (`google-oauth2|{digits}`);
    `carrier` overrides the scenario's; `authenticate` False keeps back the first frame that would carry the token.
    `path` is another than the backend's; `query` stands behind it, as text or a table; `cookies` go beside those that
    steps over HTTP have brought. `origin` "allowed" is the endpoint's own, "forbidden" one that nobody allows, "none"
    sends none, None what the backend's file says.
    `offer` overrides the subprotocols offered; `subprotocol` is the one that must be selected ("" for none, None for
    the first of the backend's that was offered). `other_replica_than` names a connection whose replica to avoid,
    `other_worker_than` one whose process, where several answer at the port of one replica, `same_token_as` one whose
    token to hand over once more. `compression` False offers no per-message compression, which browsers offer.
    `source`, in files `from`, names an address for the client, the same wherever the scenario says that name; None: the
    one that clients have who say none. `transport` "polling" holds the session by long polling, without a WebSocket:
    what opens it is answered with 200 then, and not with 101.
    """

    token: str
    on: str = "a"
    user: str = ""
    user_id: str = ""
    carrier: str = ""
    path: str = ""
    headers: dict[str, str] = {}
    query: Query = ""
    cookies: dict[str, str] = {}
    origin: str | None = None
    status: int = SWITCHING
    subprotocol: str | None = None
    offer: tuple[str, ...] | None = None
    other_replica_than: str = ""
    other_worker_than: str = ""
    same_token_as: str = ""
    authenticate: bool = True
    compression: bool = True
    source: str | None = msgspec.field(default=None, name="from")
    transport: Literal["websocket", "polling"] = "websocket"
    within_s: Amount | None = None

    @property
    def answer(self) -> int:
        """The status that the request which opens the connection must be answered with."""
        return OPENED if self.polls and self.status == SWITCHING else self.status

    @property
    def polls(self) -> bool:
        """Whether the session is held by long polling."""
        return self.transport == "polling"


class Send(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send"):
    """Send a JSON frame. `breaks_contract`: the contract must have something against it."""

    frame: dict[str, Any]
    on: str = "a"
    breaks_contract: bool = False


class SendText(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send_text"):
    """Send a text frame as it stands."""

    text: str
    on: str = "a"


class SendJson(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send_json"):
    """Send any JSON as a text message, whatever the backend's codec."""

    value: object
    on: str = "a"


class SendBytes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send_bytes"):
    """Send a binary message: `hex:101a0004`, `base64:EBoABA==`, or `text:PING` in UTF-8."""

    data: str
    on: str = "a"


class SendSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send_size"):
    """Send `frame` as JSON with field `pad_field` padded until the text has `size` bytes."""

    size: Amount
    frame: dict[str, Any]
    pad_field: str
    on: str = "a"


class Flood(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="flood"):
    """Send the same JSON frame `count` times without waiting for answers.

    `beside`: while the steps that follow are played, for as long as they are.
    """

    frame: dict[str, Any]
    count: Amount
    on: str = "a"
    beside: bool = False


class Silence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="silence_s"):
    """Nothing arrives on that connection for that many seconds."""

    seconds: float
    on: str = "a"


class SendWire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send_wire"):
    """Send these bytes as they are, below the frames of RFC 6455: hexadecimal digits, in so many pieces.

    Between two pieces are `every_s` seconds.
    """

    pieces: str | tuple[str, ...]
    on: str = "a"
    every_s: Annotated[float, msgspec.Meta(ge=0, le=60)] = 0.0

    @property
    def data(self) -> tuple[bytes, ...]:
        """The pieces, as bytes. Raises `ValueError` where one is none."""
        return tuple(map(bytes.fromhex, (self.pieces,) if isinstance(self.pieces, str) else self.pieces))


class Settle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="settle_s"):
    """Take whatever arrives on that connection, until nothing has for that many seconds or it is closed."""

    seconds: float
    on: str = "a"


class Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="close"):
    """Close, and have the peer echo the code."""

    code: int
    on: str = "a"
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None
