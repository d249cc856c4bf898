"""The contract: an AsyncAPI document, 2.x or 3.x, and what it says against a frame, a close or a handshake.

Payloads are JSON Schema, draft-07 or 2020-12. An operation says what the application does that the document describes:
it `receive`s (2.x: `publish`) what clients send, where that application is the server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envparity.conversation.contract.bindings import HandshakeBinding
from envparity.conversation.contract.bounded_schema import MOST_REFERENCES, TooManyReferences, bounded_references
from envparity.conversation.contract.closes import CloseRules, close_rules
from envparity.conversation.contract.description import Channel, Description, Direction, MessageAt, Operation, View
from envparity.conversation.contract.documents import Documents
from envparity.conversation.contract.messages import Branch, Message, read_message
from envparity.conversation.contract.schemas import Schemas
from envparity.conversation.contract.version2 import read_version_2
from envparity.conversation.contract.version3 import read_version_3
from envparity.errors import ConfigurationError

__all__ = ["Contract", "ContractExchange", "ContractReading"]

_READERS = ((re.compile(r"2\.[0-6]\.\d+"), read_version_2), (re.compile(r"3\.\d+\.\d+"), read_version_3))


@dataclass(frozen=True)
class ContractExchange:
    """What one side says by an operation, as a client sees it, and what it is answered where the document says so."""

    name: str
    direction: Direction
    messages: tuple[Message, ...]
    replies: tuple[Message, ...] | None = None


class ContractReading:
    """One document being read: what it describes, and its mistakes."""

    def __init__(self, path: Path, beside: Path | None = None) -> None:
        self.documents = Documents(path, beside)
        self.schemas = Schemas(self.documents)
        self.description = Description((), ())
        self._messages: dict[tuple[str, str], Message | None] = {}
        if self.documents.mistakes:
            return
        said = self.documents.root.below("asyncapi")
        reader = next((read for version, read in _READERS if version.fullmatch(str(said.value))), None)
        if reader is None:
            self.documents.mistake(said, "2.0.0 to 2.6.0, or 3.0.0 or later", repr(said.value))
            return
        self.documents.check_references()
        for _, schema in self.documents.root.below("components").below("schemas").entries():
            held = self.documents.followed(schema)
            if held is not None and not (isinstance(held.value, dict) and "schemaFormat" in held.value):
                dialect = self.schemas.dialect(schema.below("schemaFormat"), held)
                if dialect is not None:
                    self.schemas.is_schema(held, dialect)
        self.description = reader(self.documents)

    def message(self, at: MessageAt, frame_type: str) -> Message | None:
        """That message, read once."""
        key = (at.name, at.place.reference)
        if key not in self._messages:
            self._messages[key] = read_message(self.documents, self.schemas, at, frame_type)
        return self._messages[key]

    def messages(self, listed: tuple[MessageAt, ...], frame_type: str) -> tuple[Message, ...]:
        """Those of them that could be read."""
        return tuple(found for at in listed if (found := self.message(at, frame_type)) is not None)

    def exchanges(self, channels: tuple[Channel, ...], view: View, frame_type: str) -> tuple[ContractExchange, ...]:
        """What is said in these channels, as a client sees it."""
        keys = {channel.key for channel in channels}
        found = []
        for operation in self.description.operations:
            if operation.channel in keys or not operation.channel:
                messages = self.messages(operation.messages, frame_type)
                replies = None if operation.replies is None else self.messages(operation.replies, frame_type)
                found.append(ContractExchange(operation.name, seen(operation, view), messages, replies))
        return tuple(found)


def seen(operation: Operation, view: View) -> Direction:
    """How a client sees that operation: what a server receives, and what a client sends, is sent."""
    return "sent" if (operation.action == "receive") == (view == "server") else "received"


class Contract:
    """What the backend's frames and closes must look like. Made by `load`, or of a backend by `contract_of`."""

    def __init__(  # noqa: PLR0917  made by `of` alone
        self,
        documents: Documents,
        exchanges: tuple[ContractExchange, ...],
        closes: CloseRules,
        handshake: HandshakeBinding,
        frame_type: str,
        wrapped: str,
    ) -> None:
        self.exchanges = exchanges
        self.documents = documents
        self.handshake = handshake
        self._wrapped = wrapped
        self._frame_type = frame_type
        self._closes = closes
        self._messages = _by_direction(exchanges)
        self._usual: dict[tuple[Direction, str], Message] = {}
        self._beyond_bounds: set[tuple[Direction, str]] = set()

    @classmethod
    def load(cls, path: Path, frame_type: str = "type", view: View = "server") -> Contract:
        """Read a document, all its channels. Raises `ConfigurationError` with everything that is wrong with it."""
        reading = ContractReading(path)
        contract = cls.of(reading, reading.description.channels, view, frame_type)
        if contract is None:
            raise ConfigurationError(list(dict.fromkeys(reading.documents.mistakes)))
        return contract

    @classmethod
    def of(
        cls, reading: ContractReading, channels: tuple[Channel, ...], view: View, frame_type: str, wrapped: str = ""
    ) -> Contract | None:
        """What was read of these channels; None where something is wrong with the document, which is noted there.

        `wrapped` is the field in which the codec puts what is no object on the wire.
        """
        exchanges = reading.exchanges(channels, view, frame_type)
        closes = close_rules(reading.documents, channels)
        handshake = HandshakeBinding.of(reading.documents, reading.schemas, channels)
        _check_deadlines(reading.documents, channels)
        if reading.documents.mistakes:
            return None
        return cls(reading.documents, exchanges, closes, handshake, frame_type, wrapped)

    def messages(self, direction: Direction) -> tuple[Message, ...]:
        """What a client may send, or what it may be sent."""
        return tuple(self._messages[direction].values())

    def violations(self, frame: Mapping[str, Any], direction: Direction) -> tuple[str, ...]:
        """What the contract has against a frame, in words; nothing when a message of that direction fits it.

        Where the document says nothing of a direction, nothing is held against it.
        """
        usual = (direction, str(frame.get(self._frame_type)))
        try:
            if usual not in self._beyond_bounds:
                with bounded_references():
                    return self._violations(frame, usual)
        except TooManyReferences:
            self._beyond_bounds.add(usual)  # no other frame of that type costs as much again
        return (f"it cannot be held against the contract: that takes over {MOST_REFERENCES} references",)

    def _violations(self, frame: Mapping[str, Any], usual: tuple[Direction, str]) -> tuple[str, ...]:
        """The same, held against what frames of that direction and type usually are first."""
        direction, _ = usual
        messages = self._messages[direction]
        value = frame[self._wrapped] if self._wrapped and set(frame) == {self._wrapped} else frame
        if not messages or (usual in self._usual and self._usual[usual].validator.is_valid(value)):
            return ()
        for message in messages.values():
            if message.validator.is_valid(value):
                self._usual[usual] = message
                return ()
        branch = self._nearest(value, messages)
        if branch is None:
            return (f"no message that is {direction} has {self._frame_type} {frame.get(self._frame_type)!r}",)
        # Where a branch has nothing against it, several fit where one alone may.
        return tuple(branch.errors(value)) or (f"{branch.name}: it fits more than one of its branches",)

    def close_violations(self, code: int, reason: str) -> tuple[str, ...]:
        """What the contract has against the backend closing with that code and reason."""
        if not self._closes:
            return ()
        if code not in self._closes:
            return (f"close code {code} is none of {', '.join(map(str, sorted(self._closes)))}",)
        patterns = self._closes[code]
        if patterns and not any(pattern.fullmatch(reason) for pattern in patterns):
            return (f"close code {code} does not go with the reason {reason!r}",)
        return ()

    def _nearest(self, value: object, messages: Mapping[str, Message]) -> Branch | None:
        """The branch that a value means to be, by the values that tell them apart; None where it is none of them."""
        branches = [branch for message in messages.values() for branch in message.branches]
        alike = {at: branch.likeness(value) for at, branch in enumerate(branches)}
        most = max(alike.values(), default=-1)
        told_apart = any(branch.constants for branch in branches)
        if most < 0 or (most == 0 and told_apart):
            return None
        nearest = [branches[at] for at, likeness in alike.items() if likeness == most]
        return min(nearest, key=lambda branch: len(branch.errors(value)))


def _by_direction(exchanges: tuple[ContractExchange, ...]) -> dict[Direction, dict[str, Message]]:
    found: dict[Direction, dict[str, Message]] = {"sent": {}, "received": {}}
    for exchange in exchanges:
        answered: Direction = "received" if exchange.direction == "sent" else "sent"
        found[exchange.direction] |= {message.content.reference: message for message in exchange.messages}
        found[answered] |= {message.content.reference: message for message in exchange.replies or ()}
    return found


def _check_deadlines(documents: Documents, channels: tuple[Channel, ...]) -> None:
    for holder in (documents.root, *(channel.place for channel in channels)):
        place = holder.below("x-deadlines")
        if place.value is not None and not isinstance(place.value, dict):
            documents.mistake(place, "deadlines by name", repr(place.value))
