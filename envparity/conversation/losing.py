"""How steps are played of a client that does not read, or is gone without a close."""

from __future__ import annotations

from envparity.conversation import actions
from envparity.conversation.playing import Actions, Playing
from envparity.model.step import Drop, ReadOn, StopReading
from envparity.observe.transcript import ControlDone

__all__ = ["lose", "read_on", "stop_reading"]


def lose(playing: Playing, step: Drop) -> Actions:
    """Reset the connection, and take what it still had brought: nobody reads that any more."""
    playing.told.forget()
    yield actions.Lose(step.on, "drop")
    playing.recorder.note(ControlDone(playing.recorder.now_s, step.on, "control", "drop", step.on))
    timeout_s = playing.script.phases.close_s
    yield from playing.take(step.on, "close", timeout_s, "the end of the connection", (), until_close=True)


def stop_reading(playing: Playing, step: StopReading) -> Actions:
    """Leave what comes in the socket."""
    yield actions.Lose(step.on, "stop_reading")
    playing.recorder.note(ControlDone(playing.recorder.now_s, step.on, "control", "stop_reading", step.on))


def read_on(playing: Playing, step: ReadOn) -> Actions:
    """Take it from there again."""
    yield actions.Lose(step.on, "read_on")
    playing.recorder.note(ControlDone(playing.recorder.now_s, step.on, "control", "read_on", step.on))
