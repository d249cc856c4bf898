"""What a recording is tried with: the backend's file, or what it can be without one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from envparity.frames.codec import CODECS
from envparity.frames.table import codec_of
from envparity.launch.port import Endpoint
from envparity.model.backend import Backend
from envparity.recording.events import Recording, WebSocketClosed, WebSocketOpened
from envparity.recording.proving import Trial
from envparity.recording.sessions import as_sessions
from envparity.recording.speech import Speech, likely_speech
from envparity.recording.turns import turns

__all__ = ["are_sessions_over", "is_conversation", "trial_of"]


def is_conversation(recording: Recording, backend: Backend | None) -> bool:
    """Whether there is a WebSocket in it, or a long polling in frames of a codec."""
    if recording.connections:
        return True
    speech = likely_speech(recording) if backend is None else _speech_of(backend)
    return any(turn.brings_frames for turn in turns(recording, speech))


def are_sessions_over(recording: Recording, backend: Backend | None) -> bool:
    """Whether there were sessions of long polling and no WebSocket, and each of the sessions has said goodbye."""
    if recording.connections:
        return False
    speech = likely_speech(recording) if backend is None else _speech_of(backend)
    events = as_sessions(recording, speech).events
    opened = {event.connection for event in events if isinstance(event, WebSocketOpened)}
    return bool(opened) and opened == {event.connection for event in events if isinstance(event, WebSocketClosed)}


def trial_of(
    recording: Recording,
    backend: Backend | None,
    endpoint: Endpoint,
    name: str,
    settings: Mapping[str, str],
) -> Trial:
    """The recording, to be tried there. Without a file of the backend, its codec is what the messages look
    like, and its path the one that most connections were opened at.
    """
    speech = likely_speech(recording) if backend is None else _speech_of(backend)
    recording = as_sessions(recording, speech)
    if backend is None:
        backend = Backend(
            name=name, file=Path("backend.toml"), codec=speech.codec, frame_type=speech.frame_type,
            websocket_path=_usual_path(recording),
        )  # fmt: skip
    return Trial(turns(recording, speech), speech, backend, endpoint, name, settings)


def _speech_of(backend: Backend) -> Speech:
    known = next((name for name in CODECS.entries() if codec_of({"codec": name}) is type(backend.codec)), "")
    return Speech(known, backend.codec, backend.frame_type)


def _usual_path(recording: Recording) -> str:
    paths = Counter(event.path for event in recording.events if isinstance(event, WebSocketOpened))
    return paths.most_common(1)[0][0] if paths else "/"
