"""What an AsyncAPI document describes, whatever its version: channels, and operations on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from envparity.conversation.contract.documents import DocumentPlace

__all__ = ["Action", "Channel", "Description", "Direction", "MessageAt", "Operation", "View"]

Action = Literal["send", "receive"]  # as the application that the document describes does
Direction = Literal["sent", "received"]  # as the client sees it
View = Literal["server", "client"]  # who the application is that the document describes


@dataclass(frozen=True)
class MessageAt:
    """A message and where it stands, its traits applied; `name` is what a frame of it is called."""

    name: str
    place: DocumentPlace


@dataclass(frozen=True)
class Channel:
    """A channel: its key, and the address that connections have; None where the document does not know it."""

    key: str
    address: str | None
    place: DocumentPlace


@dataclass(frozen=True)
class Operation:
    """What the application does on a channel. `replies` is what it is answered, or answers, where there is a reply."""

    name: str
    action: Action
    channel: str
    messages: tuple[MessageAt, ...]
    replies: tuple[MessageAt, ...] | None = None


@dataclass(frozen=True)
class Description:
    """All of a document."""

    channels: tuple[Channel, ...]
    operations: tuple[Operation, ...]
