"""How steps that wait for a message are played where that is known by its content: a text, any JSON, bytes; several."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from typing import AnyStr

from envparity.conversation.arrivals import Arrival, Closure
from envparity.conversation.filling import fill
from envparity.conversation.matching import assigned, matches
from envparity.conversation.playing import Actions, Playing
from envparity.frames.decoding import bounded, decoded_json
from envparity.model.step import ExpectBytes, ExpectJson, ExpectText, ExpectUnordered
from envparity.model.step.payloads import bytes_pattern, placeholders_of, text_pattern
from envparity.observe.frame import JsonFrame, TextFrame, plain

__all__ = ["expect_bytes", "expect_json", "expect_text", "expect_unordered"]


def expect_text(playing: Playing, step: ExpectText) -> Actions:
    """Take the next message: a text in which the pattern is found, whose named groups are captured."""
    expected = f"a text with {step.pattern!r}"
    arrival = yield from playing.take_expected(step, expected)
    pattern = text_pattern(step.pattern, playing.values)
    message = arrival.message if isinstance(arrival, Arrival) else None
    found = pattern.search(message) if isinstance(message, str) else None
    playing.note_taken(step.on, arrival)
    if found is None or isinstance(arrival, Closure):
        raise playing.recorder.unlike(arrival, expected, step.on)
    if plain(arrival.frame) == {"text": message}:
        playing.recorder.note_compared_as(_captures(playing, found, {"text": _without(found, step.pattern, playing)}))
    else:
        _captures(playing, found, {})
    playing.welcomed.add(step.on)


def expect_bytes(playing: Playing, step: ExpectBytes) -> Actions:
    """Take the next message: a binary one that the pattern finds."""
    expected = f"bytes {step.pattern!r}"
    arrival = yield from playing.take_expected(step, expected)
    pattern = bytes_pattern(step.pattern, playing.values)
    message = arrival.message if isinstance(arrival, Arrival) else None
    found = pattern.search(message) if isinstance(message, bytes) else None
    playing.note_taken(step.on, arrival)
    if found is None or isinstance(arrival, Closure):
        raise playing.recorder.unlike(arrival, expected, step.on)
    said: dict[str, str] = {}
    if step.pattern.startswith("hex:") and ("??" in step.pattern or step.pattern.endswith("*")):
        said = {"bytes": step.pattern, "sha256": step.pattern, "hex": step.pattern}
    elif found.groupdict() or any(placeholders_of(step.pattern)):
        kept = _without(found, step.pattern, playing)
        digest = hashlib.sha256(kept).hexdigest().upper()
        said = {"bytes": f"{len(kept)} without what is captured", "sha256": digest[:16], "hex": kept.hex()}
    shown = plain(arrival.frame)
    said = {name: text for name, text in said.items() if name in shown}
    playing.recorder.note_compared_as(_captures(playing, found, said))
    playing.welcomed.add(step.on)


def expect_json(playing: Playing, step: ExpectJson) -> Actions:
    """Take the next message: a text of JSON that is the one of the step, lists position by position."""
    expected = json.dumps(step.value, ensure_ascii=False)
    arrival = yield from playing.take_expected(step, expected)
    found: object = None
    fits = False
    if isinstance(arrival, Arrival) and isinstance(arrival.message, str):
        with contextlib.suppress(ValueError):  # no JSON is not the one that is meant
            found, fits = bounded(decoded_json(arrival.message)), True
    if fits and isinstance(arrival, Arrival) and isinstance(arrival.frame, TextFrame):
        arrival = Arrival(arrival.at_s, JsonFrame({"json": found}, "json"), arrival.violations, arrival.message)
    playing.note_taken(step.on, arrival)
    if isinstance(arrival, Closure) or not fits or not matches(found, fill(step.value, playing.values)):
        raise playing.recorder.unlike(arrival, expected, step.on)
    shown = plain(arrival.frame)
    if shown == {"json": found}:
        playing.recorder.note_said({"json": step.value})
    elif shown == found and isinstance(step.value, dict):
        playing.recorder.note_said(step.value)
    playing.capture(step.capture, found, step.on, expected)
    playing.welcomed.add(step.on)


def expect_unordered(playing: Playing, step: ExpectUnordered) -> Actions:
    """Take as many frames as the step names, each of which is one of them; they are recorded in the step's order."""
    expected = ", ".join(json.dumps(frame, ensure_ascii=False) for frame in step.frames) + " in any order"
    wanted = [fill(frame, playing.values) if isinstance(frame, dict) else frame for frame in step.frames]
    taken: list[Arrival] = []

    def fits(arrival: Arrival, asked: str | dict[str, object]) -> bool:
        if isinstance(asked, str):
            return playing.reading.type_of(arrival.frame) == asked
        return matches(plain(arrival.frame), asked)

    places: list[int] | None = []
    noted: list[int] = []
    while len(taken) < len(wanted):
        arrival = yield from playing.take_expected(step, expected)
        playing.note_taken(step.on, arrival)
        if isinstance(arrival, Arrival):
            taken.append(arrival)
            noted.append(playing.recorder.last)
            places = assigned(taken, wanted, fits)
        if isinstance(arrival, Closure) or places is None:
            raise playing.recorder.unlike(arrival, expected, step.on)
    playing.recorder.rearrange(noted, places or [])
    for number, asked in zip(noted, step.frames, strict=True):
        if isinstance(asked, dict):
            playing.recorder.note_said(asked, number)
    playing.welcomed.add(step.on)


def _captures(playing: Playing, found: re.Match[AnyStr], said: dict[str, str]) -> dict[str, str]:
    """Keep what the named groups hold, as placeholders; gives `said` back."""
    for name, held in found.groupdict().items():
        if held is not None:
            playing.keep(name, held if isinstance(held, str) else held.decode(errors="replace"))
    return said


def _without(found: re.Match[AnyStr], pattern: str, playing: Playing) -> AnyStr:
    """The message with the name of each named group, and of each placeholder of the pattern, in place of its value."""
    text, last = found.string[:0], 0
    spans = sorted((found.span(name), name) for name, held in found.groupdict().items() if held is not None)
    for (begin, end), name in spans:
        if begin >= last:
            shown = _as_kind(f"{{{name}}}", found.string)
            text, last = text + found.string[last:begin] + shown, end
    text += found.string[last:]
    for name, argument in placeholders_of(pattern):
        key = f"{name}:{argument}" if argument else name
        value = str(playing.values.get(key, ""))
        if value:
            text = text.replace(_as_kind(value, text), _as_kind(f"{{{key}}}", text))
    return text


def _as_kind(text: str, message: AnyStr) -> AnyStr:
    """The text as bytes, where the message is bytes."""
    return text if isinstance(message, str) else text.encode()
