"""How steps that send are played."""

from __future__ import annotations

import json
import textwrap

from envparity.conversation import actions
from envparity.conversation.filling import fill
from envparity.conversation.playing import Actions, Playing
from envparity.model.step import Flood, MessageStep, Send, SendBytes, SendJson, SendSize, SendText, SendWire
from envparity.model.step.payloads import payload
from envparity.observe.frame import Frame, JsonFrame, TextFrame, plain
from envparity.observe.transcript import FrameSent

__all__ = ["SendStep", "send", "send_frame", "send_wire"]

_SHOWN_DIGITS = 120

SendStep = MessageStep | SendSize | Flood


def send(playing: Playing, step: SendStep) -> Actions:
    """Send what the step says, as it says it."""
    timeout_s = playing.script.phases.message_s
    if isinstance(step, SendText | SendJson | SendBytes):
        yield from _send_message(playing, step, timeout_s)
        return
    frame = fill(step.frame, playing.values)
    if isinstance(step, Send):
        yield from send_frame(playing, step.on, frame, "message", timeout_s, breaks_contract=step.breaks_contract)
    elif isinstance(step, Flood):
        count = int(playing.script.amount(step.count))
        sent = FrameSent(playing.recorder.now_s, step.on, "message", playing.reading.of(frame), count=step.count)
        playing.recorder.note(sent)
        yield from _deliver_frame(playing, step.on, frame, timeout_s, count, beside=step.beside)
    else:
        size = int(playing.script.amount(step.size))
        sent = FrameSent(playing.recorder.now_s, step.on, "message", playing.reading.of(frame), size=step.size)
        playing.recorder.note(sent)
        yield from _deliver_frame(playing, step.on, playing.reading.padded(frame, step.pad_field, size), timeout_s)


def send_frame(
    playing: Playing,
    connection: str,
    frame: dict[str, object],
    phase: str,
    timeout_s: float,
    *,
    breaks_contract: bool | None,
) -> Actions:
    """Send one frame, and write down what the contract has against it; `breaks_contract` None: it is not asked."""
    violations: tuple[str, ...] = ()
    if playing.contract is not None and breaks_contract is not None:
        violations = playing.contract.violations(frame, "sent")
        if breaks_contract:
            violations = () if violations else ("the contract allows this frame, which is meant to break it",)
    sent = FrameSent(playing.recorder.now_s, connection, phase, playing.reading.of(frame), violations=violations)
    playing.recorder.note(sent)
    yield from _deliver_frame(playing, connection, frame, timeout_s)


def send_wire(playing: Playing, step: SendWire) -> Actions:
    """Send bytes below the frames, written down as their digits."""
    pieces = step.data
    shown = textwrap.shorten(" ".join(piece.hex() for piece in pieces), _SHOWN_DIGITS, placeholder=" …")
    playing.recorder.note(FrameSent(playing.recorder.now_s, step.on, "message", TextFrame(f"wire: {shown}")))
    playing.told.forget()
    yield actions.WriteBytes(step.on, pieces, step.every_s)


def _deliver_frame(
    playing: Playing,
    connection: str,
    frame: dict[str, object],
    timeout_s: float,
    count: int = 1,
    *,
    beside: bool = False,
) -> Actions:
    first, *following = playing.reading.messages(frame)
    playing.arrivals.wire.sent(connection, frame)
    yield from playing.deliver(actions.SendMessage(connection, first, timeout_s, count, tuple(following), beside))


def _send_message(playing: Playing, step: SendText | SendJson | SendBytes, timeout_s: float) -> Actions:
    """Send a message as it stands. What the codec reads of any JSON is held against the contract."""
    message: str | bytes
    violations: tuple[str, ...] = ()
    frame: Frame
    match step:
        case SendText(text=text):
            message = str(fill(text, playing.values))
            frame = TextFrame(message)
        case SendJson(value=value):
            message = json.dumps(fill(value, playing.values), ensure_ascii=False)
            frame = playing.reading.frame(message)
            if playing.contract is not None and isinstance(frame, JsonFrame):
                violations = playing.contract.violations(plain(frame), "sent")
        case SendBytes(data=data):
            message = payload(str(fill(data, playing.values)) if data.startswith("text:") else data)
            frame = playing.reading.frame(message)
    sent = FrameSent(playing.recorder.now_s, step.on, "message", frame, violations=violations)
    playing.recorder.note(sent)
    if isinstance(frame, JsonFrame):
        playing.arrivals.wire.sent(step.on, frame.value)
    yield from playing.deliver(actions.SendMessage(step.on, message, timeout_s))
