"""How a `connect` step is played: a handshake, and the first frame where that carries the token."""

from __future__ import annotations

import msgspec

from envparity.conversation import actions
from envparity.conversation.addressing import wrong_target
from envparity.conversation.handshake import Handshake
from envparity.conversation.playing import Actions, Playing
from envparity.conversation.record import Departed
from envparity.conversation.sending import send_frame
from envparity.model.step import Connect
from envparity.model.step.sending import SWITCHING
from envparity.model.step.values import ENDS_LINE

__all__ = ["connect"]


def connect(playing: Playing, index: int, step: Connect) -> Actions:
    """Connect, hold the answer against what the step promises, and send the first frame that carries the token."""
    handshake = playing.script.handshakes[index].with_captured(playing.known_late)
    cookies, withheld = playing.cookies.sent(step.on, handshake.path, handshake.origin)
    handshake = handshake.with_cookies(cookies)
    _refuse_what_cannot_be_sent(playing, step.on, handshake)
    phases = playing.script.phases
    timeout_s = phases.connect_s if step.within_s is None else playing.script.amount(step.within_s)
    other_than = playing.replicas.get(step.other_replica_than) if step.other_replica_than else None
    if other_than is None:
        other_than = playing.script.elsewhere_than.get(step.on)
    other_worker = playing.workers.get(step.other_worker_than) if step.other_worker_than else None
    told_apart = step.on in playing.told_apart
    narrow = step.on in playing.narrow
    action = actions.Open(step.on, handshake, timeout_s, other_than, told_apart, other_worker, step.source, narrow)
    playing.told.forget()
    playing.welcomed.discard(step.on)
    playing.unread.add(step.on)
    playing.ended.pop(step.on, None)
    playing.arrivals.wire.begin(step.on)
    playing.arrivals.killed.discard(step.on)
    while playing.told.opened is None:
        yield action
        if playing.told.expired is not None:
            phase = playing.told.expired or "accept"
            waited_for = "a TCP connection" if phase == "connect" else "the answer to the upgrade"
            raise playing.timeout(step.on, phase, waited_for, timeout_s)
    answer = msgspec.structs.replace(playing.told.opened, withheld=withheld) if withheld else playing.told.opened
    playing.replicas[step.on] = answer.replica
    playing.workers[step.on] = playing.told.worker
    playing.recorder.note(answer)
    chosen = answer.subprotocol or ""
    selected = handshake.selected if step.status == SWITCHING else chosen
    if answer.error or (answer.status, chosen) != (step.answer, selected):
        got = _handshake(answer.status, chosen)
        got = f"{got}: {answer.error}" if answer.error else got
        raise Departed("handshake", _handshake(step.answer, selected), got, step.on)
    if handshake.first_frame is not None:
        # Whether an empty token is a frame at all, is for the backend to say.
        breaks = None if step.token == "empty" else False  # noqa: S105  a kind of token
        first_frame, timeout_s = handshake.first_frame, phases.authenticate_s
        yield from send_frame(playing, step.on, first_frame, "authenticate", timeout_s, breaks_contract=breaks)


def _refuse_what_cannot_be_sent(playing: Playing, connection: str, handshake: Handshake) -> None:
    """Captured values can make a path or a header of which no request can be made."""
    if wrong_target(handshake.path):
        got = playing.recorder.shown({"path": handshake.path})
        raise Departed("handshake", "a path that begins with a slash", got, connection)
    for name, value in handshake.headers:
        if ENDS_LINE.search(value):
            raise Departed("handshake", "headers of one line", f"a line break in {name}", connection)


def _handshake(status: int, subprotocol: str) -> str:
    if status != SWITCHING:
        return f"HTTP status {status}" if status else "no HTTP answer"
    return f"101 with {f'subprotocol {subprotocol}' if subprotocol else 'no subprotocol'}"
