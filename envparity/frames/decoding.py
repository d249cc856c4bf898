"""JSON that a stranger wrote, as values that can be kept, compared and shown, whatever it holds.

Text that is no JSON by RFC 8259 (NaN, Infinity) is none here. What JSON allows and others stumble over is kept in a
form that everything after this can bear: a half of a surrogate pair and a number that no 64 bits hold as their own
text, what is nested too deep as the JSON text that it is, and a name that stands twice with its earlier values beside.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final

__all__ = ["bounded", "decoded_json", "decoded_object", "decoded_text"]

DEEPEST: Final = 50
"""How deep a value may be nested. Below that stands text: checks of a contract take some ten calls for each level."""

_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_HALF = re.compile("[\ud800-\udfff]")


def decoded_json(text: str) -> object:
    """The value that a JSON text holds. Raises `ValueError`, and nothing else, where it holds none."""
    try:
        held = json.loads(
            _without_depths(text),
            parse_constant=_no_number,
            parse_int=_integer,
            parse_float=_number,
            object_pairs_hook=_object,
        )
        return _bounded(held, DEEPEST)
    except RecursionError as error:  # brackets that nobody closes
        raise ValueError("nested too deep to be read") from error


def decoded_object(message: object) -> dict[str, object] | None:
    """The JSON object that a text message holds; None where it holds none."""
    try:
        held = decoded_json(message) if isinstance(message, str) else None
    except ValueError:
        return None
    return held if isinstance(held, dict) else None


def bounded(value: Any) -> Any:
    """A value of JSON's kinds that somebody else decoded, so that it can be kept: no deeper than is borne, no half of
    a surrogate pair.
    """
    return _bounded(value, DEEPEST)


def decoded_text(body: bytes, charset: str | None) -> str:
    """The text of these bytes; where the charset is none of text, or not theirs, what UTF-8 makes of them."""
    try:
        text = body.decode(charset or "utf-8", errors="replace")
    except (LookupError, ValueError):
        text = body.decode("utf-8", errors="replace")
    return _whole(text.removeprefix("\ufeff"))


def _without_depths(text: str) -> str:
    """The same JSON text, in which what is nested deeper than `DEEPEST` is a string of itself.

    Nothing calls itself here, for how deep that may go depends on who has called.
    """
    if text.count("[") + text.count("{") <= DEEPEST:
        return text
    pieces: list[str] = []
    level = kept = begun = 0
    for token in _STRINGS_AND_BRACKETS.finditer(text):
        if token[0] in "[{":
            begun = token.start() if level == DEEPEST else begun
            level += 1
        elif token[0] in "]}":
            level -= 1
            if level == DEEPEST:
                pieces += (text[kept:begun], json.dumps(text[begun : token.end()]))
                kept = token.end()
    return "".join((*pieces, text[kept:]))


def _no_number(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _integer(digits: str) -> int | str:
    number = int(digits)
    return number if _SMALLEST <= number <= _LARGEST else digits


def _number(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    held: dict[str, object] = {}
    repeated: dict[str, list[object]] = {}
    for name, value in pairs:
        shown = _whole(name)
        if shown in held:
            repeated.setdefault(shown, []).append(held[shown])
        held[shown] = value  # the last one counts, as with every client
    return held | {f"{name} (repeated)": values for name, values in repeated.items()}


def _bounded(value: object, room: int) -> object:
    if isinstance(value, str):
        return _whole(value)
    if not isinstance(value, dict | list):
        return value
    if room == 0:
        try:
            return _whole(json.dumps(value, ensure_ascii=False))
        except RecursionError:
            return "nested too deep to be shown"
    if isinstance(value, list):
        return [_bounded(item, room - 1) for item in value]
    return {name: _bounded(item, room - 1) for name, item in value.items()}


def _whole(text: str) -> str:
    r"""The text, with each half of a surrogate pair spelled out: `\ud83d`."""
    return _HALF.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
