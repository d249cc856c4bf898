"""What a backend says each time, and what it says anew: the fields to expect, those that mean nothing, what parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from envparity.conversation.filling import fill
from envparity.conversation.matching import ABSENT, matches, reach
from envparity.judge.canonical import connections
from envparity.model.backend import Backend
from envparity.observe.frame import BinaryFrame, Frame, plain
from envparity.observe.transcript import FrameReceived, HttpAnswered, Transcript
from envparity.recording.drafting import DraftStep
from envparity.recording.speech import Path, Speech, leaves
from envparity.recording.turns import key_of
from envparity.recording.values import Values, is_braced
from envparity.support.redaction import is_secret_name

__all__ = ["differing", "refined", "with_volatile"]

_MOST_FIELDS: Final = 12
_LONGEST: Final = 200
_LONGEST_BYTES: Final = 256


def refined(
    steps: Sequence[DraftStep], plays: Sequence[Transcript], values: Values, speech: Speech, settings: Mapping[str, str]
) -> list[DraftStep]:
    """These steps, which were kept to in each play, with all that was the same in the recording and in every play."""
    return _Refining(plays, values, speech, settings).refined(steps)


class _Refining:
    def __init__(
        self, plays: Sequence[Transcript], values: Values, speech: Speech, settings: Mapping[str, str]
    ) -> None:
        self._values, self._speech = values, speech
        placed = {f"setting:{name}": value for name, value in settings.items()}
        self._plays = [_Play(play, placed) for play in plays]

    def refined(self, steps: Sequence[DraftStep]) -> list[DraftStep]:
        made = []
        for step in steps:
            if "http" in step.table:
                answers = [(play, play.next_answer()) for play in self._plays]
                made.append(self._answered(step, answers))
            elif step.is_expected:
                frames = [(play, play.next_frame(step.connection)) for play in self._plays]
                made.append(self._expected(step, frames))
            else:
                made.append(step)
        return made

    def _answered(self, step: DraftStep, answers: Sequence[tuple[_Play, Frame | None]]) -> DraftStep:
        fields = self._same(step.heard, step.turn, answers, None) if step.heard else {}
        fields = step.kept | fields
        return _with(step, step.table | ({"fields": fields} if fields else {}))

    def _expected(self, step: DraftStep, frames: Sequence[tuple[_Play, Frame | None]]) -> DraftStep:
        heard, table = step.heard, step.table
        if isinstance(heard, bytes):
            same = all(frame == BinaryFrame.of(heard) for _, frame in frames)
            short = len(heard) <= _LONGEST_BYTES
            return _with(step, table | {"expect_bytes": f"hex:{heard.hex()}"}) if same and short else step
        if "expect" not in table:
            return step
        fields = self._same(heard, step.turn, frames, step.type)
        if step.type is None:
            return _with(step, table | {"expect": fields}) if fields else step
        return _with(step, table | {"fields": fields}) if fields else step

    def _same(
        self, heard: object, turn: int, frames: Sequence[tuple[_Play, Frame | None]], kind: str | None
    ) -> dict[str, object]:
        """The values of a frame that were the same each time, by their dotted names; placeholders first."""
        known: dict[str, object] = {}
        plain_ones: dict[str, object] = {}
        for path, value in leaves(heard):
            name = _dotted(path)
            if name is None or value is None or (value == kind and path[-1:] == self._type_path[-1:]):
                continue
            said = self._values.said(value, turn, key_of(path))
            if not self._can_be_said(path, value, said):
                continue
            if all(play.has(frame, name, said, value) for play, frame in frames):
                (known if said != value else plain_ones)[name] = said
        together = known | plain_ones
        return dict(list(together.items())[:_MOST_FIELDS])

    @property
    def _type_path(self) -> Path:
        pointer = getattr(self._speech.codec, "type", "")
        return tuple(pointer.split("/")[1:]) if pointer else (self._speech.frame_type,)

    def _can_be_said(self, path: Path, value: object, said: object) -> bool:
        if not isinstance(value, str):
            return True
        if len(value) > _LONGEST or is_braced(value) or is_secret_name(key_of(path)):
            return False
        return said != value or not self._values.is_secret(value)


class _Play:
    """One play, gone through step by step."""

    def __init__(self, transcript: Transcript, settings: Mapping[str, object]) -> None:
        self._frames: dict[str, list[Frame]] = {}
        self._answers: list[Frame | None] = []
        for event in transcript.events:
            if isinstance(event, FrameReceived):
                self._frames.setdefault(event.connection, []).append(event.frame)
            elif isinstance(event, HttpAnswered):
                self._answers.append(event.body)
        self._values = {**settings, **{name[1:-1]: value for value, name in transcript.names.items()}}

    def next_frame(self, connection: str) -> Frame | None:
        """What the next step that expects something of that connection has taken."""
        frames = self._frames.get(connection)
        return frames.pop(0) if frames else None

    def next_answer(self) -> Frame | None:
        """What the next request was answered with."""
        return self._answers.pop(0) if self._answers else None

    def has(self, frame: Frame | None, name: str, said: object, value: object) -> bool:
        """Whether that stands there in this play too."""
        held: object = None if frame is None else plain(frame)
        if isinstance(held, dict) and isinstance(held.get("json"), list):
            held = held["json"]  # as a step's fields name what is in it
        got = ABSENT if held is None else reach(held, name)
        if said == value:
            return matches(got, value)
        return got == said or matches(got, fill(said, self._values))


def differing(backend: Backend, first: Transcript, second: Transcript) -> tuple[list[str], list[str]]:
    """The names of fields whose values differ between two plays, and what differs otherwise, in words."""
    here, there = connections(backend, first), connections(backend, second)
    fields: dict[str, None] = {}
    others: dict[str, None] = {}
    for connection in dict.fromkeys((*here, *there)):
        ours, theirs = here.get(connection, ()), there.get(connection, ())
        if [item.label for item in ours] != [each_item.label for each_item in theirs]:
            others[f"the sequence of frames of connection {connection}"] = None
            continue
        for value, other in zip(ours, theirs, strict=True):
            for path in dict.fromkeys((*value.fields, *other.fields)):
                if value.fields.get(path) == other.fields.get(path):
                    continue
                if value.kind in {"received", "http"}:
                    fields[_last_name(path)] = None
                else:
                    others[f"{value.label}: {path}"] = None
    return list(fields), list(others)


def _last_name(path: str) -> str:
    return next((part for part in reversed(path.split(".")) if not part.isdigit()), path)


def _dotted(path: Path) -> str | None:
    """The dotted name of a place; None where it has none."""
    parts = [str(part) for part in path]
    if not parts or any(not part or "." in part or is_braced(part) for part in parts) or parts[0].startswith("/"):
        return None
    return ".".join(parts)


def _with(step: DraftStep, table: dict[str, object]) -> DraftStep:
    return DraftStep(table, step.connection, step.turn, step.heard, step.type, kept=step.kept)


def with_volatile(backend: Backend, names: Sequence[str]) -> Backend:
    """The backend's file with these among the fields that are not compared."""
    return msgspec.structs.replace(backend, volatile=tuple(dict.fromkeys((*backend.volatile, *names))))
