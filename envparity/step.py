"""The steps of a conversation, one frozen struct each.

Strings in steps may hold placeholders:

- `{uuid:NAME}` made once per name and scenario; `{user}`, `{user:NAME}` a user's id; `{token:KIND}` a token
- `{setting:NAME}` a setting of the backend, `{first:NAME}` the first of a comma-separated one
- `{origin}` the origin of the endpoint; `{NAME}` what an earlier step captured

Numbers may be given as text with placeholders and sums: `"{setting:WEBSOCKET_AUTH_TIMEOUT_S}+3"`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

import msgspec

__all__ = [
    "ACTIONS",
    "PLACEHOLDER",
    "SUM",
    "Amount",
    "Close",
    "Connect",
    "Cut",
    "Expect",
    "ExpectClose",
    "Flood",
    "Restart",
    "Restore",
    "Send",
    "SendSize",
    "SendText",
    "Silence",
    "StartReplica",
    "Step",
    "StopReplica",
    "Stopped",
    "TokenKind",
    "UntilReady",
    "action_of",
    "amount_of",
    "placeholders",
]

TokenKind = Literal[
    "valid",
    "none",
    "empty",
    "malformed",
    "expired",
    "wrong_signature",
    "alg_none",
    "wrong_issuer",
    "wrong_audience",
    "without_subject",
    "without_id",
    "revoked",
    "other_environment",
]

Amount = int | float | str  # a number, or a sum with placeholders in it

PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)(?::([^{}\"\s]+))?\}")
_TERM = r"\d+(?:\.\d+)?(?:\s*\*\s*\d+(?:\.\d+)?)*"
SUM = re.compile(rf"\s*{_TERM}(?:\s*[+-]\s*{_TERM})*\s*")


class Connect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="connect"):
    """Open a connection and hand over a token.

    `user` names a user of this scenario, `user_id` is the form of that user's id (`google-oauth2|{digits}`);
    `carrier` overrides the scenario's; `authenticate` False keeps back the first frame that would carry the token.
    `origin` "allowed" is the endpoint's own, "forbidden" one that nobody allows, None sends none.
    `offer` overrides the subprotocols offered; `subprotocol` is the one that must be selected ("" for none, None for
    the first of the backend's that was offered). `other_replica_than` names a connection whose replica to avoid.
    """

    token: TokenKind
    on: str = "a"
    user: str = ""
    user_id: str = ""
    carrier: str = ""
    headers: dict[str, str] = {}
    query: str = ""
    origin: str | None = None
    status: int = 101
    subprotocol: str | None = None
    offer: tuple[str, ...] | None = None
    other_replica_than: str = ""
    authenticate: bool = True
    within_s: Amount | None = None


class Send(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send"):
    """Send a JSON frame. `breaks_contract`: the contract must have something against it."""

    frame: dict[str, Any]
    on: str = "a"
    breaks_contract: bool = False


class SendText(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send_text"):
    """Send a text frame as it stands."""

    text: str
    on: str = "a"


class SendSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="send_size"):
    """Send `frame` as JSON with field `pad_field` padded until the text has `size` bytes."""

    size: Amount
    frame: dict[str, Any]
    pad_field: str
    on: str = "a"


class Flood(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="flood"):
    """Send the same JSON frame `count` times without waiting for answers."""

    frame: dict[str, Any]
    count: Amount
    on: str = "a"


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="expect"):
    """The next frames have these types, in this order.

    `each` must be part of every one of them, `fields` of the last (dotted names reach into it; objects match when
    they contain what is asked for, lists when they are as long and their elements match). `capture` maps a new
    placeholder to a dotted name in the last. Frames of types in `skip` are let pass. `within_s` holds for each frame.
    """

    types: tuple[str, ...]
    on: str = "a"
    each: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    capture: dict[str, str] = {}
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None


class ExpectClose(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="expect_close"):
    """The peer closes with this code, and with this reason unless it is None."""

    code: int
    reason: str | None = None
    on: str = "a"
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None


class Silence(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="silence_s"):
    """Nothing arrives on that connection for that many seconds."""

    seconds: float
    on: str = "a"


class Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="close"):
    """Close, and have the peer echo the code."""

    code: int
    on: str = "a"
    skip: tuple[str, ...] = ()
    within_s: Amount | None = None


class StopReplica(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="stop_replica"):
    """SIGTERM to the replica that this connection is on, without waiting for its end."""

    on: str


class Stopped(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="stopped"):
    """Wait for the end of the replica that was stopped; it must not have had to be killed."""

    on: str


class StartReplica(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="start_replica"):
    """Start that replica again and wait until it is ready."""

    on: str


class Restart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="restart"):
    """Restart a dependency with its data, and wait until it accepts connections."""

    dependency: str


class Cut(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="cut"):
    """From now on nothing reaches that dependency."""

    dependency: str


class Restore(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="restore"):
    """Undo `cut`."""

    dependency: str


class UntilReady(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="until_ready"):
    """Wait until every replica says that it is ready."""

    ready: Literal[True] = True


Step = (
    Connect
    | Send
    | SendText
    | SendSize
    | Flood
    | Expect
    | ExpectClose
    | Silence
    | Close
    | StopReplica
    | Stopped
    | StartReplica
    | Restart
    | Cut
    | Restore
    | UntilReady
)

ACTIONS: dict[str, type[Step]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Step)}


def action_of(step: Step) -> str:
    """The key that names the step's action in the file: `expect_close`."""
    return str(step.__struct_config__.tag)


def amount_of(text: str) -> float:
    """The value of a sum of products without placeholders: `8192+1`. Raises ValueError for anything else."""
    if not SUM.fullmatch(text):
        raise ValueError(f"not a number or a sum: {text!r}")
    total = 0.0
    for sign, term in re.findall(rf"([+-]?)\s*({_TERM})", text):
        product = math.prod(float(factor) for factor in term.split("*"))
        total += -product if sign == "-" else product
    return total


def placeholders(value: object) -> Iterator[tuple[str, str]]:
    """Every placeholder in a value of JSON's kinds or a step, as (name, argument); argument "" where there is none."""
    if isinstance(value, str):
        for match in PLACEHOLDER.finditer(value):
            yield match[1], match[2] or ""
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from placeholders(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from placeholders(one)
    elif isinstance(value, msgspec.Struct):
        yield from placeholders([getattr(value, name) for name in value.__struct_fields__ if name != "user_id"])
