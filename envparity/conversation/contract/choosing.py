"""Which channels of a document a backend's connections are, and whose view its operations have."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from envparity.conversation.contract.contract import ContractReading, seen
from envparity.conversation.contract.description import Channel, Direction, View

__all__ = ["PlayedTypes", "channels_of", "not_websocket", "view_of"]

_OTHERS: Final = frozenset({"amqp", "amqps", "kafka", "kafka-secure", "jms", "sns", "sqs", "ibmmq", "googlepubsub",
    "pulsar", "solace", "anypointmq", "redis", "mercure"})  # fmt: skip
_EVERY: Final = "*"
_PARAMETER: Final = re.compile(r"\{[^{}/]*\}")
_VIEWS: Final[tuple[View, View]] = ("server", "client")


@dataclass(frozen=True)
class PlayedTypes:
    """What a backend's own scenarios send and expect, by type."""

    sent: frozenset[str] = frozenset()
    expected: frozenset[str] = frozenset()


def not_websocket(reading: ContractReading) -> None:
    """Note where every server of a document speaks what is no WebSocket."""
    servers = [reading.documents.followed(place) for _, place in reading.documents.root.below("servers").entries()]
    spoken = [held.below("protocol") for held in servers if held is not None and isinstance(held.value, dict)]
    if spoken and all(str(each_place.value).lower() in _OTHERS for each_place in spoken):
        got = ", ".join(sorted({str(each_place.value) for each_place in spoken}))
        reading.documents.mistake(spoken[0], "a server that speaks ws or wss", got)


def channels_of(reading: ContractReading, path: str, said: Iterable[str]) -> tuple[tuple[Channel, ...], str]:
    """The channels that are meant, and "" ; none, and what is wrong, where that is not certain.

    `said` names them by key or address, or all by `*`. Without it they are those of the path that connections have;
    one that is alone is meant whatever its address.
    """
    channels = reading.description.channels
    names = tuple(said)
    if names == (_EVERY,) or (not names and len(channels) == 1):
        return channels, ""
    if names:
        chosen = tuple(channel for channel in channels if channel.key in names or channel.address in names)
        known = {name for channel in channels for name in (channel.key, channel.address)}
        unknown = [name for name in names if name not in known]
        if not unknown:
            return chosen, ""
        near = difflib.get_close_matches(unknown[0], [text for text in known if text], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return (), f"no channel {', '.join(map(repr, unknown))}{hint}"
    prefixes = ("", *_prefixes(reading))
    there = unquote(urlsplit(path).path) or "/"
    fitting = [
        channel
        for channel in channels
        if channel.address and any(_is_at(there, prefix, channel.address) for prefix in prefixes)
    ]
    plain = [channel for channel in fitting if not _PARAMETER.search(channel.address or "")]
    if plain or fitting:
        return tuple(plain or fitting), ""
    listed = ", ".join(channel.key for channel in channels[:8]) + (", …" if len(channels) > 8 else "")
    return (), f"{len(channels)} channels, none at {there}: {listed}"


def _is_at(path: str, prefix: str, address: str) -> bool:
    """Whether a path is one of that address; `{…}` in either stands for anything but a slash."""
    address = urlsplit(address).path if address.startswith(("/", "ws:", "wss:")) else address
    mine = path.strip("/").split("/")
    theirs = f"{prefix}/{address.strip('/')}".strip("/").split("/")
    return len(mine) == len(theirs) and all(
        _PARAMETER.search(own) is not None or re.fullmatch(_pattern(there), own) is not None
        for own, there in zip(mine, theirs, strict=True)
    )


def _pattern(part: str) -> str:
    texts = _PARAMETER.split(part)
    return "[^/]+".join(map(re.escape, texts))


def _prefixes(reading: ContractReading) -> Iterable[str]:
    """The paths that the document's servers have of their own."""
    for _, place in reading.documents.root.below("servers").entries():
        held = reading.documents.followed(place)
        said: Mapping[str, object] = held.value if held is not None and isinstance(held.value, dict) else {}
        where = said.get("pathname") or urlsplit(str(said.get("url", ""))).path
        if isinstance(where, str) and where.strip("/"):
            yield where.strip("/")


def view_of(
    reading: ContractReading, channels: tuple[Channel, ...], frame_type: str, played: PlayedTypes
) -> View | None:
    """Whose view the operations have, where that is certain.

    It is where the scenarios of the backend fit one of the two alone; else where every reply says who asks whom; and it
    does not matter where both sides say the same.
    """
    against = {view: _against(reading, channels, frame_type, played, view) for view in _VIEWS}
    fitting = [view for view in _VIEWS if not against[view][0]]
    if len(fitting) == 1 and against[fitting[0]][1]:
        return fitting[0]
    keys = {channel.key for channel in channels}
    operations = [
        operation for operation in reading.description.operations if operation.channel in keys or not operation.channel
    ]
    asked = {operation.action for operation in operations if operation.replies is not None}
    if len(asked) == 1 and not any(counted for _, counted in against.values()):
        return "server" if asked == {"receive"} else "client"
    said = {
        action: {at.place.reference for asks in operations if asks.action == action for at in asks.messages}
        for action in ("send", "receive")
    }
    return "server" if said["send"] == said["receive"] and operations else None


def _against(
    reading: ContractReading, channels: tuple[Channel, ...], frame_type: str, played: PlayedTypes, view: View
) -> tuple[int, int]:
    """How many of the types that are played go the other way in that view, and how many this one."""
    types: dict[Direction, set[str]] = {"sent": set(), "received": set()}
    keys = {channel.key for channel in channels}
    for operation in reading.description.operations:
        if operation.channel not in keys and operation.channel:
            continue
        direction = seen(operation, view)
        answered: Direction = "received" if direction == "sent" else "sent"
        for where, listed in ((direction, operation.messages), (answered, operation.replies or ())):
            types[where] |= {
                name for message in reading.messages(listed, frame_type) for name in message.types(frame_type)
            }
    wrong = len(played.sent & (types["received"] - types["sent"]))
    wrong += len(played.expected & (types["sent"] - types["received"]))
    right = len(played.sent & types["sent"]) + len(played.expected & types["received"])
    return wrong, right
