"""Reading AsyncAPI 3.x: channels with messages, operations beside them, replies."""

from __future__ import annotations

from collections.abc import Iterator

from envparity.conversation.contract.description import Action, Channel, Description, MessageAt, Operation
from envparity.conversation.contract.documents import DocumentPlace, Documents
from envparity.conversation.contract.traits import with_traits

__all__ = ["read_version_3"]

_ACTIONS: dict[object, Action] = {"send": "send", "receive": "receive"}


def read_version_3(documents: Documents) -> Description:
    """What the document describes; what is wrong with it is noted."""
    return _Version3(documents).read()


class _Version3:
    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._keys: dict[str, str] = {}

    def read(self) -> Description:
        root = self._documents.root
        channels = []
        for key, place in root.below("channels").entries():
            held = self._documents.followed(place)
            if held is None:
                continue
            if not isinstance(held.value, dict):
                self._documents.mistake(place, "a channel", repr(held.value))
                continue
            address = held.value.get("address")
            self._keys[held.reference] = self._keys[place.reference] = key
            channels.append(Channel(key, address if isinstance(address, str) else None, held))
        operations = root.below("operations")
        if not isinstance(operations.value, dict) or not operations.value:
            self._documents.mistake(operations, "operations that say who sends what", "none")
        return Description(tuple(channels), tuple(self._operations(operations)))

    def _operations(self, operations: DocumentPlace) -> Iterator[Operation]:
        for name, place in operations.entries():
            held = self._documents.followed(place)
            if held is None:
                continue
            said = held.below("action")
            action = _ACTIONS.get(said.value) if isinstance(said.value, str) else None
            if action is None:
                self._documents.mistake(said, "send or receive", repr(said.value))
                continue
            channel = self._channel(held.below("channel"))
            messages = self._messages(held.below("messages"), channel)
            replies = self._replies(held.below("reply"), channel)
            yield Operation(name, action, self._keys.get(channel.reference, "") if channel else "", messages, replies)

    def _channel(self, place: DocumentPlace) -> DocumentPlace | None:
        """The channel that a reference leads to."""
        return self._documents.followed(place) if isinstance(place.value, dict) else None

    def _messages(self, listed: DocumentPlace, channel: DocumentPlace | None) -> tuple[MessageAt, ...]:
        """Those that are listed; all of the channel where none are."""
        of_channel = [place for _, place in channel.below("messages").entries()] if channel is not None else []
        places = list(listed.items()) if listed.value is not None else of_channel
        if not places:
            expected = "references to messages, here or in its channel"
            self._documents.mistake(listed, expected, repr(listed.value))
        found = []
        for place in places:
            held = self._documents.followed(place)
            if held is None:
                continue
            if not isinstance(place.value, dict) or not isinstance(held.value, dict):
                self._documents.mistake(place, "a reference to a message", repr(place.value))
                continue
            target = place.value.get("$ref")
            last = target if isinstance(target, str) else place.pointer
            key = last.rpartition("/")[2]
            found.append(MessageAt(_name(held, key), with_traits(self._documents, held)))
        return tuple(found)

    def _replies(self, reply: DocumentPlace, channel: DocumentPlace | None) -> tuple[MessageAt, ...] | None:
        held = self._documents.followed(reply) if isinstance(reply.value, dict) else None
        if held is None:
            return None
        of_reply = held.below("channel")
        there = self._channel(of_reply) if of_reply.value is not None else channel
        return self._messages(held.below("messages"), there)


def _name(message: DocumentPlace, key: str) -> str:
    """What a message is called: its key; its `name` is what frames of it may say they are."""
    return key or str(message.value.get("name", "message"))
