"""How steps that wait for something are played: for frames, for a close, for nothing."""

from __future__ import annotations

import json
from dataclasses import replace

from envparity.conversation import actions
from envparity.conversation.arrivals import Closure
from envparity.conversation.filling import fill
from envparity.conversation.matching import matches
from envparity.conversation.playing import Actions, Playing
from envparity.conversation.record import Departed
from envparity.model.step import Close, Expect, ExpectClose, Settle, Silence
from envparity.observe.frame import plain
from envparity.observe.transcript import SilenceKept

__all__ = ["close", "expect", "expect_close", "settle", "silence"]


def expect(playing: Playing, step: Expect) -> Actions:
    """Take the next frames, and hold each against what the step says of it; without types, one frame."""
    types: tuple[str | None, ...] = step.types or (None,)
    for position, frame_type in enumerate(types):
        last = position == len(types) - 1
        wanted = {**step.each, **(step.fields if last else {})}
        fields = json.dumps(wanted, ensure_ascii=False) if wanted or frame_type is None else ""
        expected = " ".join(filter(None, (frame_type, fields)))
        arrival = yield from playing.take_expected(step, expected)
        playing.note_taken(step.on, arrival)
        if isinstance(arrival, Closure):
            raise playing.recorder.unlike(arrival, expected, step.on)
        named = playing.reading.type_of(arrival.frame)
        if frame_type not in {None, named}:
            raise playing.recorder.unlike(arrival, expected, step.on, named)
        if not matches(plain(arrival.frame), fill(wanted, playing.values)):
            raise playing.recorder.unlike(arrival, expected, step.on)
        playing.recorder.note_said(wanted)
        if last:
            playing.capture(step.capture, plain(arrival.frame), step.on, frame_type or "a frame")
    playing.welcomed.add(step.on)


def expect_close(playing: Playing, step: ExpectClose) -> Actions:
    """Wait for the close, and hold its code and reason against what the step says."""
    reason = None if step.reason is None else str(fill(step.reason, playing.values))
    codes = " or ".join(map(str, step.codes))
    expected = f"close {codes}" + ("" if step.reason is None else f" {step.reason!r}")
    yield from _await_close(playing, step, expected, reason)


def close(playing: Playing, step: Close) -> Actions:
    """Close, and wait for the echo."""
    playing.told.forget()
    yield actions.SendClose(step.on, step.code, playing.script.called)
    yield from _await_close(playing, step, f"close {step.code}, echoed", None)


def _await_close(playing: Playing, step: ExpectClose | Close, expected: str, reason: str | None) -> Actions:
    phases = playing.script.phases
    timeout_s = phases.close_s if step.within_s is None else playing.script.amount(step.within_s)
    until_close = isinstance(step, Close) and step.on in playing.unread
    arrival = yield from playing.take(step.on, "close", timeout_s, expected, step.skip, until_close=until_close)
    playing.recorder.note_arrival(step.on, arrival, "close")
    codes = step.codes if isinstance(step, ExpectClose) else (step.code,)
    if not isinstance(arrival, Closure) or arrival.code not in codes or reason not in {None, arrival.reason}:
        raise playing.recorder.unlike(arrival, expected, step.on, playing.arrivals.type_of(arrival))
    if len(codes) > 1:
        playing.recorder.note_compared_as({"code": " or ".join(map(str, codes))}, arrival.noted)
    if isinstance(step, ExpectClose) and step.reason is not None:
        playing.recorder.note_said({"reason": step.reason}, arrival.noted)


def settle(playing: Playing, step: Settle) -> Actions:
    """Take what arrives until nothing has for as long as the step says, or the connection is closed.

    That it is closed is for the steps behind to say: one that expects something of it finds the close.
    """
    until_s = playing.recorder.now_s + step.seconds
    last_s = playing.recorder.now_s + max(step.seconds, playing.script.phases.message_s)
    playing.told.forget()
    playing.unread.discard(step.on)
    while True:
        arrival = playing.pending(step.on, ())
        if arrival is not None:
            playing.recorder.note_arrival(step.on, arrival, "message")
            if isinstance(arrival, Closure):
                if arrival.noted is None:
                    playing.ended[step.on] = replace(arrival, noted=playing.recorder.last)
                return
            until_s = min(playing.recorder.now_s + step.seconds, last_s)
            continue
        if playing.told.expired is not None or until_s <= playing.recorder.now_s:
            return
        left_s = until_s - playing.recorder.now_s
        yield actions.Receive(step.on, "message", left_s, "quiet", stretches=False, until_s=until_s)


def silence(playing: Playing, step: Silence) -> Actions:
    """Wait as long as the step says; whatever arrives breaks it."""
    until_s = playing.recorder.now_s + step.seconds
    playing.told.forget()
    playing.unread.discard(step.on)
    while True:
        arrival = playing.pending(step.on, ())
        if arrival is not None:
            playing.recorder.note_arrival(step.on, arrival, "message")
            got = playing.recorder.what(arrival, playing.arrivals.type_of(arrival))
            raise Departed("silence", f"nothing for {step.seconds:g} s", got, step.on)
        if playing.told.expired is not None:
            playing.recorder.note(SilenceKept(playing.told.at_s, step.on, "message", step.seconds))
            return
        left_s = until_s - playing.recorder.now_s
        yield actions.Receive(step.on, "message", left_s, "silence", stretches=False, until_s=until_s)
