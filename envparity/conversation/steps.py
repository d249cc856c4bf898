"""How the steps of a scenario are played, one kind after another."""

from __future__ import annotations

from collections.abc import Sequence

from envparity.conversation import actions
from envparity.conversation.asking import ask
from envparity.conversation.connecting import connect
from envparity.conversation.contract.contract import Contract
from envparity.conversation.controlling import control
from envparity.conversation.expecting import close, expect, expect_close, settle, silence
from envparity.conversation.expecting_messages import expect_bytes, expect_json, expect_text, expect_unordered
from envparity.conversation.losing import lose, read_on, stop_reading
from envparity.conversation.playing import Actions, Playing
from envparity.conversation.record import Departed
from envparity.conversation.resolved import ResolvedScenario
from envparity.conversation.sending import send, send_wire
from envparity.model.scenario import Scenario
from envparity.model.step import (
    Close,
    Connect,
    Drop,
    Expect,
    ExpectBytes,
    ExpectClose,
    ExpectJson,
    ExpectStep,
    ExpectText,
    ExpectUnordered,
    Flood,
    Http,
    ReadOn,
    Send,
    SendBytes,
    SendJson,
    SendSize,
    SendText,
    SendWire,
    Settle,
    Silence,
    Step,
    StopReading,
)

__all__ = ["Steps"]


class Steps:
    """The steps of one playing: read from `told` and `arrivals`, which others fill, and write into `recorder`."""

    def __init__(self, scenario: Scenario, script: ResolvedScenario, contract: Contract | None) -> None:
        self._playing = Playing(scenario, script, contract)
        self.told, self.arrivals, self.recorder = self._playing.told, self._playing.arrivals, self._playing.recorder
        self._steps = scenario.steps
        self._meeting = _first_said(scenario.steps) if scenario.waits_for_all else None

    def play(self) -> Actions:
        """What to do, one action after another; the first departure is recorded and ends it."""
        for index, step in enumerate(self._steps):
            if index == self._meeting:
                yield actions.Meet()
            try:
                self._need_credential(index, step)
                yield from self._step(index, step)
            except Departed as departed:
                self.recorder.depart(departed, index)
                return

    def _need_credential(self, index: int, step: Step) -> None:
        """A step that needs what signing in did not give cannot be played."""
        lacking = self._playing.script.unsigned.get(index)
        if lacking is not None:
            raise Departed("handshake", lacking.expected, lacking.got, getattr(step, "on", ""))

    def _step(self, index: int, step: Step) -> Actions:  # noqa: C901, PLR0912  one case for each kind
        self._playing.count(step)
        match step:
            case Connect():
                yield from connect(self._playing, index, step)
            case Http():
                yield from ask(self._playing, step)
            case Send() | SendText() | SendJson() | SendBytes() | SendSize() | Flood():
                yield from send(self._playing, step)
            case Expect():
                yield from expect(self._playing, step)
            case ExpectText():
                yield from expect_text(self._playing, step)
            case ExpectJson():
                yield from expect_json(self._playing, step)
            case ExpectBytes():
                yield from expect_bytes(self._playing, step)
            case ExpectUnordered():
                yield from expect_unordered(self._playing, step)
            case ExpectClose():
                yield from expect_close(self._playing, step)
            case SendWire():
                yield from send_wire(self._playing, step)
            case Settle():
                yield from settle(self._playing, step)
            case Silence():
                yield from silence(self._playing, step)
            case Close():
                yield from close(self._playing, step)
            case Drop():
                yield from lose(self._playing, step)
            case StopReading():
                yield from stop_reading(self._playing, step)
            case ReadOn():
                yield from read_on(self._playing, step)
            case _:
                yield from control(self._playing, index, step)


def _first_said(steps: Sequence[Step]) -> int | None:
    """The first step with which a client does something once it is connected."""
    connected = False
    for index, step in enumerate(steps):
        if connected and not isinstance(step, Connect | ExpectStep | ExpectClose | Silence | Settle):
            return index
        connected = connected or isinstance(step, Connect)
    return None
