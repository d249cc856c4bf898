"""Traits: what a message takes from elsewhere, merged into it as JSON Merge Patch (RFC 7386) has it."""

from __future__ import annotations

from envparity.conversation.contract.documents import DocumentPlace, Documents

__all__ = ["with_traits"]


def with_traits(documents: Documents, message: DocumentPlace) -> DocumentPlace:
    """The message with what its traits say and it does not itself; a payload is none of a trait's."""
    listed = message.below("traits")
    if not isinstance(listed.value, list):
        return message
    merged: dict[str, object] = {}
    for place in listed.items():
        trait = documents.followed(place) if isinstance(place.value, dict) else None
        if trait is None or not isinstance(trait.value, dict):
            if not isinstance(place.value, dict):
                documents.mistake(place, "a message trait", repr(place.value))
            continue
        if "payload" in trait.value:
            documents.mistake(trait.below("payload"), "no payload in a trait", "one", "move it into the message")
        merged = _patched(merged, {key: value for key, value in trait.value.items() if key != "payload"})
    return DocumentPlace(message.uri, message.pointer, _patched(merged, message.value))


def _patched(below: dict[str, object], patch: dict[str, object]) -> dict[str, object]:
    result = dict(below)
    for key, value in patch.items():
        held = result.get(key)
        result[key] = _patched(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return result
