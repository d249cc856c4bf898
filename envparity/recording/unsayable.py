"""What no scenario can say: braces that would be taken for placeholders, and how JSON text says them all the same."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Final

from envparity.model.step.values import PLACEHOLDER
from envparity.recording.speech import Path, as_json, leaves
from envparity.recording.values import Values, is_braced

__all__ = ["Unsayable", "is_plain", "json_text", "packet_text", "query_table", "sayable"]

_PACKET: Final = re.compile(r"(?P<before>[^\[{\"]*)(?P<json>[\[{\"].*)", re.DOTALL)


class Unsayable(Exception):
    """Something of a recording that has no words in a scenario; says what."""


def sayable(text: str, what: str) -> str:
    """That text, where nothing in braces is in it but placeholders. Raises `Unsayable`."""
    if is_braced(PLACEHOLDER.sub("", text)):
        raise Unsayable(f"{what} has braces in it, which a scenario would take for a placeholder")
    return text


def is_plain(value: object, but: Collection[Path] = ()) -> bool:
    """Whether a file can say that value as a table: no null is in it, and no braces but at these places."""
    for path, held in leaves(value):
        if path not in but and (held is None or (isinstance(held, str) and is_braced(held))):
            return False
        if any(is_braced(str(name)) for name in path):
            return False
    return True


def query_table(pairs: Iterable[tuple[str, str]], values: Values, turn: int) -> dict[str, object]:
    """Names and values of a query or a form as a table, with a list for a name that comes several times."""
    table: dict[str, object] = {}
    for name, value in pairs:
        text = sayable(values.said(value, turn, name), f"the value of {name}")
        held = table.get(name)
        table[name] = text if held is None else [*(held if isinstance(held, list) else [held]), text]
    return table


def packet_text(text: str, values: Values, turn: int) -> str:
    """A text of which the end may be JSON, behind what says the kind of the packet. Raises `Unsayable`."""
    found = _PACKET.fullmatch(text)
    held = as_json(found["json"]) if found is not None else None
    if found is None or held is None:
        return sayable(values.said(text, turn), "what was posted")
    return sayable(values.said(found["before"], turn), "what was posted") + json_text(held, values, turn)


def json_text(value: object, values: Values, turn: int, key: str | None = None) -> str:
    """A value as JSON text in words of placeholders: braces in its texts are escaped, as JSON has it."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(str(name))}: {json_text(under, values, turn, name)}" for name, under in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(json_text(under, values, turn, key) for under in value) + "]"
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        if whole and whole[1] == "counter":
            return value
        pieces = (piece if known else _escaped(piece) for piece, known in values.pieces(value, turn, key))
        return f'"{"".join(pieces)}"'
    said = values.said(value, turn, key)
    return said if isinstance(said, str) else json.dumps(value)


def _escaped(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("{", "\\u007b").replace("}", "\\u007d")
