"""How each step of a script is played: as the actions that it takes, one after another."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from envparity.conversation import actions
from envparity.conversation.actions import Action
from envparity.conversation.arrivals import Arrival, Arrivals
from envparity.conversation.contract import Contract
from envparity.conversation.matching import ABSENT, matches, reach
from envparity.conversation.record import Departed, Recorder
from envparity.conversation.script import Script, fill
from envparity.conversation.told import Told
from envparity.scenario import Scenario
from envparity.step import (
    Close,
    Connect,
    Cut,
    Expect,
    ExpectClose,
    Flood,
    Restart,
    Restore,
    Send,
    SendSize,
    SendText,
    Silence,
    StartReplica,
    Step,
    Stopped,
    StopReplica,
    UntilReady,
    action_of,
)

__all__ = ["Steps"]

_SWITCHING = 101  # RFC 6455 §4.2.2
_KILLED = frozenset({-9, 137})  # SIGKILL, as a process and as a container report it

_Actions = Generator[Action, None, None]
_ControlStep = StopReplica | Stopped | StartReplica | Restart | Cut | Restore | UntilReady


class Steps:
    """The steps of one playing: read from `told` and `arrivals`, which others fill, and write into `recorder`."""

    def __init__(self, scenario: Scenario, script: Script, contract: Contract | None) -> None:
        self.told = Told()
        self.arrivals = Arrivals(contract, script.frame_type, script.ignored)
        self.recorder = Recorder(scenario, script)
        self._steps, self._script, self._contract = scenario.steps, script, contract
        self._values: dict[str, Any] = dict(script.values)
        self._replicas: dict[str, int | None] = {}
        self._welcomed: set[str] = set()

    def play(self) -> _Actions:
        """What to do, one action after another; the first departure is recorded and ends it."""
        for index, step in enumerate(self._steps):
            try:
                yield from self._step(index, step)
            except Departed as departed:
                self.recorder.depart(departed, index)
                return

    def _step(self, index: int, step: Step) -> _Actions:
        match step:
            case Connect():
                yield from self._connect(index, step)
            case Send() | SendText() | SendSize() | Flood():
                yield from self._send(step)
            case Expect():
                yield from self._expect(step)
            case ExpectClose():
                yield from self._expect_close(step)
            case Silence():
                yield from self._silence(step)
            case Close():
                yield from self._close(step)
            case _:
                yield from self._control(step)

    def _connect(self, index: int, step: Connect) -> _Actions:
        handshake = self._script.handshakes[index]
        phases = self._script.phases
        timeout_s = phases.connect_s if step.within_s is None else self._script.amount(step.within_s)
        other_than = self._replicas.get(step.other_replica_than) if step.other_replica_than else None
        action = actions.Open(step.on, handshake, timeout_s, other_than)
        self.told.forget()
        self._welcomed.discard(step.on)
        while self.told.opened is None:
            yield action
            if self.told.expired is not None:
                phase = self.told.expired or "accept"
                waited_for = "a TCP connection" if phase == "connect" else "the answer to the upgrade"
                raise self._timeout(step.on, phase, waited_for, timeout_s)
        opened = self.told.opened
        self._replicas[step.on] = opened.replica
        data = {"status": opened.status, "subprotocol": opened.subprotocol or None, "replica": opened.replica}
        if opened.error:
            data["error"] = opened.error
        self.recorder.note(step.on, "accept", "handshake", data, at_s=self.told.at_s)
        selected = handshake.selected if step.status == _SWITCHING else opened.subprotocol
        if opened.error or (opened.status, opened.subprotocol) != (step.status, selected):
            got = _handshake(opened.status, opened.subprotocol)
            got = f"{got}: {opened.error}" if opened.error else got
            raise Departed("handshake", _handshake(step.status, selected), got, step.on)
        if handshake.first_frame is not None:
            # Whether an empty token is a frame at all, is for the backend to say.
            breaks = None if step.token == "empty" else False  # noqa: S105  a kind of token
            first_frame, timeout_s = handshake.first_frame, phases.authenticate_s
            yield from self._send_frame(step.on, first_frame, "authenticate", timeout_s, breaks_contract=breaks)

    def _send(self, step: Send | SendText | SendSize | Flood) -> _Actions:
        timeout_s = self._script.phases.message_s
        if isinstance(step, SendText):
            text = str(fill(step.text, self._values))
            self.recorder.note(step.on, "message", "sent", {"text": text})
            yield from self._deliver(actions.Send(step.on, text, timeout_s))
            return
        frame = fill(step.frame, self._values)
        if isinstance(step, Send):
            yield from self._send_frame(step.on, frame, "message", timeout_s, breaks_contract=step.breaks_contract)
        elif isinstance(step, Flood):
            count = int(self._script.amount(step.count))
            self.recorder.note(step.on, "message", "sent", {"frame": frame, "count": step.count})
            yield from self._deliver(actions.Send(step.on, json.dumps(frame), timeout_s, count))
        else:
            size = int(self._script.amount(step.size))
            self.recorder.note(step.on, "message", "sent", {"frame": frame, "size": step.size})
            missing = size - len(json.dumps(frame | {step.pad_field: ""}).encode())
            padded = json.dumps(frame | {step.pad_field: "x" * missing})
            yield from self._deliver(actions.Send(step.on, padded, timeout_s))

    def _send_frame(
        self, connection: str, frame: dict[str, Any], phase: str, timeout_s: float, *, breaks_contract: bool | None
    ) -> _Actions:
        violations: tuple[str, ...] = ()
        if self._contract is not None and breaks_contract is not None:
            violations = self._contract.violations(frame, "sent")
            if breaks_contract:
                violations = () if violations else ("the contract allows this frame, which is meant to break it",)
        self.recorder.note(connection, phase, "sent", frame, violations=violations)
        yield from self._deliver(actions.Send(connection, json.dumps(frame, ensure_ascii=False), timeout_s))

    def _deliver(self, action: actions.Send) -> _Actions:
        """Have it sent; the driver takes no answer but that it took too long."""
        self.told.forget()
        yield action
        if self.told.expired is not None:
            raise self._timeout(action.connection, "message", "room to send", action.timeout_s)

    def _expect(self, step: Expect) -> _Actions:
        connection = step.on
        phase = "message" if connection in self._welcomed else "authenticate"
        usual_s = self._script.phases.message_s if phase == "message" else self._script.phases.authenticate_s
        timeout_s = usual_s if step.within_s is None else self._script.amount(step.within_s)
        for position, frame_type in enumerate(step.types):
            last = position == len(step.types) - 1
            wanted = {**step.each, **(step.fields if last else {})}
            expected = frame_type + (f" {json.dumps(wanted, ensure_ascii=False)}" if wanted else "")
            arrival = yield from self._take(connection, phase, timeout_s, expected, step.skip)
            self.recorder.note_arrival(connection, arrival, phase)
            named = {self._script.frame_type: frame_type, **fill(wanted, self._values)}
            if arrival.closed or not matches(arrival.data, named):
                raise self.recorder.unlike(arrival, expected, connection)
            if last:
                self._capture(step, arrival.data)
        self._welcomed.add(connection)

    def _capture(self, step: Expect, frame: dict[str, Any]) -> None:
        for name, dotted in step.capture.items():
            value = reach(frame, dotted)
            if value is ABSENT:
                raise Departed("frame", f"{step.types[-1]} with {dotted}", self.recorder.shown(frame), step.on)
            self._values[name] = value
            if value and isinstance(value, str):
                self.recorder.names.setdefault(value, f"<{name}>")

    def _expect_close(self, step: ExpectClose) -> _Actions:
        reason = None if step.reason is None else str(fill(step.reason, self._values))
        expected = f"close {step.code}" + ("" if step.reason is None else f" {step.reason!r}")
        yield from self._await_close(step, expected, reason)

    def _close(self, step: Close) -> _Actions:
        self.told.forget()
        yield actions.Close(step.on, step.code)
        yield from self._await_close(step, f"close {step.code}, echoed", None)

    def _await_close(self, step: ExpectClose | Close, expected: str, reason: str | None) -> _Actions:
        phases = self._script.phases
        timeout_s = phases.close_s if step.within_s is None else self._script.amount(step.within_s)
        arrival = yield from self._take(step.on, "close", timeout_s, expected, step.skip)
        self.recorder.note_arrival(step.on, arrival, "close")
        data = arrival.data
        if not arrival.closed or data["code"] != step.code or reason not in (None, data["reason"]):
            raise self.recorder.unlike(arrival, expected, step.on)

    def _silence(self, step: Silence) -> _Actions:
        until_s = self.recorder.now_s + step.seconds
        self.told.forget()
        while True:
            arrival = self._pending(step.on, ())
            if arrival is not None:
                self.recorder.note_arrival(step.on, arrival, "message")
                raise Departed("silence", f"nothing for {step.seconds:g} s", self.recorder.what(arrival), step.on)
            if self.told.expired is not None:
                self.recorder.note(step.on, "message", "silence", {"seconds": step.seconds}, at_s=self.told.at_s)
                return
            yield actions.Receive(step.on, "message", until_s - self.recorder.now_s, "silence")

    def _control(self, step: _ControlStep) -> _Actions:
        action = action_of(step)
        target, replica = "", None
        if isinstance(step, Restart | Cut | Restore):
            target = step.dependency
        elif not isinstance(step, UntilReady):
            target, replica = step.on, self._replicas[step.on]
        told = {action: target or True}
        self.told.forget()
        while self.told.outcome is None:
            yield actions.Control(action, target, replica)
        outcome = self.told.outcome
        connection, data = target if replica is not None else "", {**told, **outcome.result}
        self.recorder.note(connection, "control", "control", data, at_s=self.told.at_s)
        if outcome.failure:
            raise Departed("control", _words(told), outcome.failure)
        if isinstance(step, Stopped) and outcome.result.get("exit_code") in _KILLED:
            got = f"killed, exit code {outcome.result['exit_code']}"
            raise Departed("control", "the replica ends by itself within the grace period", got, target)

    # What connections bring.

    def _take(
        self, connection: str, phase: str, timeout_s: float, waited_for: str, skip: tuple[str, ...]
    ) -> Generator[Action, None, Arrival]:
        """The next frame or close of that connection that is neither ignored nor skipped."""
        until_s = self.recorder.now_s + timeout_s
        self.told.forget()
        while (arrival := self._pending(connection, skip)) is None:
            if self.told.expired is not None:
                raise self._timeout(connection, phase, waited_for, timeout_s)
            yield actions.Receive(connection, phase, until_s - self.recorder.now_s, waited_for)
        return arrival

    def _pending(self, connection: str, skip: tuple[str, ...]) -> Arrival | None:
        """What waits on that connection. What is let pass is noted only if the contract has something against it."""
        arrival, passed = self.arrivals.take(connection, skip)
        for one in passed:
            if one.violations:
                self.recorder.note_arrival(connection, one, "message")
        return arrival

    def _timeout(self, connection: str, phase: str, waited_for: str, timeout_s: float) -> Departed:
        data = {"waited_for": waited_for, "timeout_s": timeout_s}
        self.recorder.note(connection, phase, "timeout", data, at_s=self.told.at_s)
        return Departed("timeout", f"{phase}: {waited_for} within {timeout_s:g} s", "nothing", connection)


def _handshake(status: int, subprotocol: str) -> str:
    if status != _SWITCHING:
        return f"HTTP status {status}" if status else "no HTTP answer"
    return f"101 with {f'subprotocol {subprotocol}' if subprotocol else 'no subprotocol'}"


def _words(told: dict[str, Any]) -> str:
    return " ".join(f"{name} {'' if value is True else value}".strip() for name, value in told.items())
