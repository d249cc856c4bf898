"""Which codec a conversation has, by its subprotocol or by what is said in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from envparity.frames.decoding import decoded_json

__all__ = ["recognised"]

_BY_SUBPROTOCOL: Final = {
    "mqtt": "mqtt",
    "v10.stomp": "stomp",
    "v11.stomp": "stomp",
    "v12.stomp": "stomp",
    "actioncable-v1-json": "action-cable",
}
_BY_FIRST_WORDS: Final = {'0{"sid"': "engine-io", "3probe": "engine-io", "INFO {": "nats"}
_RECORD_END: Final = "\x1e"  # what ends each message of SignalR
_PHOENIX_PARTS: Final = 5


def recognised(subprotocols: Iterable[str], first: str | bytes, messages: Sequence[str | bytes]) -> str:
    """The codec's name; "" for messages that are no more than JSON, text or bytes.

    `subprotocols` were offered or selected, `first` is what the backend said first, `messages` are those of both sides.
    """
    for subprotocol in subprotocols:
        if subprotocol in _BY_SUBPROTOCOL:
            return _BY_SUBPROTOCOL[subprotocol]
    for words, name in _BY_FIRST_WORDS.items():
        if first.startswith(words) if isinstance(first, str) else first.startswith(words.encode()):
            return name
    texts = [message for message in messages if isinstance(message, str)]
    if not texts or len(texts) < len(messages):
        return ""
    if all(text.endswith(_RECORD_END) for text in texts):
        return "signalr"
    return "phoenix" if all(map(_is_phoenix, texts)) else ""


def _is_phoenix(text: str) -> bool:
    """A list of five: two references, topic, event, payload."""
    try:
        held = decoded_json(text)
    except ValueError:
        return False
    return isinstance(held, list) and len(held) == _PHOENIX_PARTS and all(isinstance(value, str) for value in held[2:4])
