"""Reading AsyncAPI 2.x: channels, each with what the application receives (`publish`) and sends (`subscribe`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from envparity.conversation.contract.description import Action, Channel, Description, MessageAt, Operation
from envparity.conversation.contract.documents import DocumentPlace, Documents
from envparity.conversation.contract.traits import with_traits

__all__ = ["read_version_2"]

_ACTIONS: Final[dict[str, Action]] = {"publish": "receive", "subscribe": "send"}


def read_version_2(documents: Documents) -> Description:
    """What the document describes; what is wrong with it is noted."""
    channels, operations = [], []
    listed = documents.root.below("channels")
    for key, place in listed.entries():
        held = documents.followed(place)
        if held is None:
            continue
        if not isinstance(held.value, dict):
            documents.mistake(place, "a channel", repr(held.value))
            continue
        channels.append(Channel(key, key, held))
        operations += list(_operations(documents, key, held))
    if not operations and not documents.mistakes:
        documents.mistake(listed, "channels that say who sends what, by publish or subscribe", "none")
    return Description(tuple(channels), tuple(operations))


def _operations(documents: Documents, key: str, channel: DocumentPlace) -> Iterator[Operation]:
    for name, action in _ACTIONS.items():
        place = channel.below(name)
        if place.value is None:
            continue
        if not isinstance(place.value, dict):
            documents.mistake(place, "an operation", repr(place.value))
            continue
        said = place.value.get("operationId")
        messages = tuple(_messages(documents, place.below("message"), key))
        if not messages:
            documents.mistake(place.below("message"), "a message, or oneOf several", "none")
        yield Operation(said if isinstance(said, str) else f"{name} {key}", action, key, messages)


def _messages(documents: Documents, place: DocumentPlace, key: str) -> Iterator[MessageAt]:
    """The message, or each of those that `oneOf` lists."""
    held = documents.followed(place) if isinstance(place.value, dict) else None
    if held is None:
        if place.value is not None and not isinstance(place.value, dict):
            documents.mistake(place, "a message", repr(place.value))
        return
    several = held.below("oneOf")
    if isinstance(several.value, list):
        for each_place in several.items():
            yield from _messages(documents, each_place, key)
        return
    target = place.value.get("$ref")
    name = held.value.get("messageId") or held.value.get("name") or key
    last = target.rpartition("/")[2] if isinstance(target, str) else str(name)
    yield MessageAt(last or str(name), with_traits(documents, held))
