"""What was recorded as the text of a backend file: a scenario, and in comments what belongs beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from envparity.model.backend import Backend
from envparity.recording.proving import Proven
from envparity.recording.speech import Speech

__all__ = ["scenario_text", "toml_value"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_CONTROL: Final = re.compile(r"[\x7f-\x9f]")
_TEXTS: Final = frozenset({"body", "expect_text", "send_text"})


def scenario_text(proven: Proven, backend: Backend, speech: Speech | None, extent: str) -> str:
    """The text, to be put at the end of a backend file. `speech` None: the file says how frames are written already.

    No secret is in it.
    """
    lines = [f"# Recorded: {extent}. Played again twice, and both times it went like this.", ""]
    lines += _beside(proven, backend, speech)
    lines += ["[[scenario]]", f"name = {toml_value(proven.table['name'])}"]
    lines += [f"title = {toml_value(proven.table['title'])}"] if "title" in proven.table else []
    lines.append("steps = [")
    for step in proven.table["steps"]:
        lines += [f"  {comment}" for comment in _comments(step)]
        lines.append(f"  {_step(step)},")
    lines.append("]")
    return proven.redaction.text("\n".join(lines) + "\n")


def _beside(proven: Proven, backend: Backend, speech: Speech | None) -> Iterator[str]:
    """What is not a scenario's: keys of the backend's file, settings of environments, and what could not be said."""
    keys: dict[str, object] = {}
    if speech is not None:
        usual = any("connect" in step and "path" not in step for step in proven.table["steps"])
        keys |= {"websocket_path": backend.websocket_path} if usual else {}
        keys |= {} if speech.frame_type == "type" else {"frame_type": speech.frame_type}
    if proven.volatile:
        keys["volatile"] = [*backend.volatile, *proven.volatile]
    if proven.ignored:
        keys["ignored_frames"] = [*backend.ignored_frames, *proven.ignored]
    if keys:
        yield "# Keys of the backend file, which stand above its tables:"
        yield from (f"#   {name} = {toml_value(value)}" for name, value in keys.items())
    if speech is not None and speech.table:
        yield "# and its table:"
        yield "#   [frames]"
        yield from (f"#   {name} = {toml_value(value)}" for name, value in speech.table.items())
    if proven.volatile:
        yield f"# Fields that were others in each play: {', '.join(proven.volatile)}."
    if proven.ignored:
        yield f"# Frames that come when they like: {', '.join(proven.ignored)}."
    if proven.settings:
        yield "# Settings that each environment gives, because credentials were said that are not written down:"
        yield from (f"#   {name}: {where}" for name, where in proven.settings.items())
    yield from (f"# Not in it: {note}." for note in proven.notes)
    if keys or proven.settings or proven.notes:
        yield ""


def _comments(step: Mapping[str, object]) -> Iterator[str]:
    captured = step.get("capture")
    names = ", ".join(f"{{{name}}}" for name in (captured if isinstance(captured, dict) else ()))
    if names:
        yield f"# here the backend gives {names}"


def _step(step: Mapping[str, object]) -> str:
    said = ((name, _literal(value) if name in _TEXTS else toml_value(value)) for name, value in step.items())
    pairs = (f"{_key(name)} = {value}" for name, value in said)
    return "{ " + ", ".join(pairs) + " }"


def _literal(value: object) -> str:
    """A text as it stands, where TOML can say it so: without a backslash before each backslash and quote."""
    if isinstance(value, str) and "'" not in value and value.isprintable():
        return f"'{value}'"
    return toml_value(value)


def toml_value(value: object) -> str:
    """A value as TOML, in one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{_key(name)} = {toml_value(under)}" for name, under in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, Sequence):
        return f"[{', '.join(toml_value(each_value) for each_value in value)}]"
    return repr(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else toml_value(name)
