"""How a backend reacts to what a client sends, as far as it is compared: replies by type, errors by code, the close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envparity.judge.canonical import frame_type
from envparity.model.backend import Backend
from envparity.model.step import Expect, ExpectClose, ExpectText, Silence, Step
from envparity.observe.frame import plain
from envparity.observe.transcript import ConnectionClosed, FrameReceived, FrameSent, Transcript

__all__ = ["Reaction", "expectations", "reactions"]

_INTERNAL_ERROR = 1011
_SILENT_S = 0.5


@dataclass(frozen=True)
class Reaction:
    """What came after one frame: `replies` as (type, code of an error), and the close; nothing is silence."""

    replies: tuple[tuple[str, str], ...] = ()
    close: int | None = None

    @property
    def internal_error(self) -> bool:
        return self.close == _INTERNAL_ERROR

    def __str__(self) -> str:
        said = [f"{kind} {code}".rstrip() for kind, code in self.replies]
        return ", ".join([*said, *([f"close {self.close}"] if self.close is not None else [])]) or "silence"


def reactions(backend: Backend, transcript: Transcript, turns: int, opening: int) -> tuple[Reaction, ...] | None:
    """What came after each of the last frames that the client sent.

    None where it left its script within its first `opening` steps, and did not come to speak at all.
    """
    sent = [index for index, event in enumerate(transcript.events) if isinstance(event, FrameSent)]
    if len(sent) < turns or (transcript.departure is not None and transcript.departure.step < opening):
        return None
    if not turns:
        return ()
    starts = sent[len(sent) - turns :]
    ends = [*starts[1:], len(transcript.events)]
    return tuple(_reaction(backend, transcript, start, end) for start, end in zip(starts, ends, strict=True))


def _reaction(backend: Backend, transcript: Transcript, start: int, end: int) -> Reaction:
    replies: list[tuple[str, str]] = []
    close: int | None = None
    for event in transcript.events[start + 1 : end]:
        if isinstance(event, FrameReceived):
            kind = frame_type(backend, event.frame)
            code = plain(event.frame).get("code") if kind == backend.error_type else None
            replies.append((kind, code if isinstance(code, str) else ""))
        elif isinstance(event, ConnectionClosed) and event.by == "server":
            close = event.code
    return Reaction(tuple(replies), close)


def expectations(seen: Sequence[Reaction], sends: Sequence[Step], connection: str) -> tuple[Step, ...]:
    """The steps of a scenario that sends this and is answered so."""
    steps: list[Step] = []
    for send, reaction in zip(sends, seen, strict=True):
        steps.append(send)
        steps += _steps(reaction, connection)
        if reaction.close is not None:
            break
    else:
        if steps and not isinstance(steps[-1], Silence):
            steps.append(Silence(_SILENT_S, connection))
    return tuple(steps)


def _steps(reaction: Reaction, connection: str) -> Iterator[Step]:
    for kind, code in reaction.replies:
        if kind == "text":
            yield ExpectText("", connection)
        else:
            yield Expect(
                () if kind in {"frame", "bytes"} else (kind,), connection, fields={"code": code} if code else {}
            )
    if reaction.close is not None:
        yield ExpectClose(reaction.close, on=connection)
    elif not reaction.replies:
        yield Silence(_SILENT_S, connection)
