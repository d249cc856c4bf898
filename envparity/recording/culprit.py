"""Which frames a backend sends when it likes: found by where a play of a recording parted from it."""

from __future__ import annotations

from collections.abc import Sequence

from envparity.observe.transcript import FrameReceived, Transcript
from envparity.recording.drafting import DraftStep
from envparity.recording.speech import Speech

__all__ = ["culprit_of"]


def culprit_of(play: Transcript, steps: Sequence[DraftStep], speech: Speech, ignored: Sequence[str]) -> str | None:
    """The type of the frame that came when none of it was expected; of what did not come where none came.

    None where the recording has no such type, or nothing would be left to expect.
    """
    departure = play.departure
    assert departure is not None  # noqa: S101  of whom this is called
    types = [step.type for step in steps if step.is_expected]
    captured = {step.type for step in steps if "capture" in step.table}
    heard = [
        event for event in play.events if isinstance(event, FrameReceived) and event.connection == departure.connection
    ]
    if departure.kind in {"frame", "silence"} and heard:
        frame = heard[-1].frame
        culprit = speech.type_of(frame.value) if hasattr(frame, "value") else None
    elif departure.kind == "timeout":
        culprit = next(
            (type_ for type_ in types if type_ and type_ in departure.expected and types.count(type_) > 1), None
        )
    else:
        return None
    if culprit not in types or culprit in captured or culprit in ignored:
        return None
    return culprit if {type_ for type_ in types if type_} - {culprit, *ignored} else None
