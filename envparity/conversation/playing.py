"""One playing of a scenario as its steps see it: what they share, and what several of them do."""

from __future__ import annotations

from collections.abc import Generator, Mapping

from envparity.conversation import actions
from envparity.conversation.action_outcome import ActionOutcome
from envparity.conversation.actions import Action
from envparity.conversation.arrivals import Arrival, Arrivals, Closure
from envparity.conversation.contract.contract import Contract
from envparity.conversation.cookies import Cookies
from envparity.conversation.matching import ABSENT, reach
from envparity.conversation.record import Departed, Recorder
from envparity.conversation.resolved import ResolvedScenario
from envparity.conversation.wire import FrameReading
from envparity.model.scenario import Scenario
from envparity.model.step import Connect, ExpectClose, ExpectStep, Step, StopReading, placeholders
from envparity.observe.transcript import DeadlinePassed
from envparity.support.redaction import is_secret_name

__all__ = ["Actions", "Playing"]

Actions = Generator[Action, None, None]


class Playing:
    """What the steps of one playing share: read from `told` and `arrivals`, which others fill; write into `recorder`.

    `values` are those of all placeholders so far; `unread` the connections of which no step has read anything yet;
    `ended` the closes that arrived while a step let everything pass, for steps that expect something of them later.
    """

    def __init__(self, scenario: Scenario, script: ResolvedScenario, contract: Contract | None) -> None:
        self.told = ActionOutcome()
        self.reading = FrameReading(script.codec, script.frame_type)
        self.arrivals = Arrivals(contract, self.reading, script.ignored)
        self.recorder = Recorder(scenario, script)
        self.script, self.contract = script, contract
        self.values: dict[str, object] = dict(script.values)
        self.replicas: dict[str, int | None] = {}
        self.workers: dict[str, int | None] = {}
        others = [step for step in scenario.steps if isinstance(step, Connect) and step.other_worker_than]
        self.told_apart = {name for step in others for name in (step.on, step.other_worker_than)}
        self.narrow = {step.on for step in scenario.steps if isinstance(step, StopReading)}
        self.users = {step.on: step.user for step in reversed(scenario.steps) if isinstance(step, Connect)}
        self.cookies = Cookies(script.host, tls=script.tls, now_s=script.now_s)
        self.welcomed: set[str] = set()
        self.unread: set[str] = set()
        self.ended: dict[str, Closure] = {}

    def count(self, step: Step) -> None:
        """Go on by one with each counter in a step that says something; one that expects has the last number."""
        if not isinstance(step, ExpectStep | ExpectClose):
            for key in {f"counter:{argument}" for name, argument in placeholders(step) if name == "counter"}:
                counted = self.values.get(key, 0)
                self.values[key] = counted + 1 if isinstance(counted, int) else 1

    @property
    def captured(self) -> dict[str, object]:
        """The values of the placeholders that earlier steps have captured."""
        return {name: value for name, value in self.values.items() if name not in self.script.values}

    @property
    def known_late(self) -> dict[str, object]:
        """Those, and the addresses that clients of this play come from: what a handshake says once it is played."""
        addresses = {name: value for name, value in self.script.values.items() if name.startswith("address:")}
        return addresses | self.captured

    def deliver(self, action: actions.SendMessage) -> Actions:
        """Have it sent; the driver takes no answer but that it took too long."""
        self.told.forget()
        yield action
        if self.told.expired is not None:
            raise self.timeout(action.connection, "message", "room to send", action.timeout_s)

    def take_expected(self, step: ExpectStep, waited_for: str) -> Generator[Action, None, Arrival | Closure]:
        """The next frame or close for a step that expects a message."""
        phase, phases = self._phase(step.on), self.script.phases
        usual_s = phases.message_s if phase == "message" else phases.authenticate_s
        timeout_s = usual_s if step.within_s is None else self.script.amount(step.within_s)
        return (yield from self.take(step.on, phase, timeout_s, waited_for, step.skip))

    def note_taken(self, connection: str, arrival: Arrival | Closure) -> None:
        """Write down what was taken for a step that expects a message."""
        self.recorder.note_arrival(connection, arrival, self._phase(connection))

    def _phase(self, connection: str) -> str:
        """The first frames that are expected are the answer to who the client is."""
        return "message" if connection in self.welcomed else "authenticate"

    def capture(self, captures: Mapping[str, str], held: object, connection: str, expected: str) -> None:
        """Keep what stands at these places of a value as placeholders. Raises `Departed` where there is nothing."""
        for name, place in captures.items():
            value = reach(held, place)
            if value is ABSENT:
                shown = self.recorder.shown(held if isinstance(held, dict) else {"json": held})
                raise Departed("frame", f"{expected} with {place}", shown, connection)
            self.keep(name, value)

    def keep(self, name: str, value: object, *, secret: bool = False) -> None:
        """Have that placeholder stand for that value from now on, which is a secret where that or the name says so."""
        self.values[name] = value
        if not value or not isinstance(value, str):
            return
        if (secret or is_secret_name(name)) and self.recorder.keep_secret(value, f"<{name}>"):
            return
        self.recorder.names.setdefault(value, f"<{name}>")

    def take(
        self,
        connection: str,
        phase: str,
        timeout_s: float,
        waited_for: str,
        skip: tuple[str, ...],
        *,
        until_close: bool = False,
    ) -> Generator[Action, None, Arrival | Closure]:
        """The next frame or close of that connection that is neither ignored nor skipped.

        `until_close`: no frame is meant. Who closes without having read anything does not say whether the other side
        speaks first, and whether that arrives before its close is chance: so it is let pass, whenever it arrives.
        """
        until_s = self.recorder.now_s + timeout_s
        self.told.forget()
        self.unread.discard(connection)
        while (arrival := self.pending(connection, skip, until_close=until_close)) is None:
            if self.told.expired is not None:
                raise self.timeout(connection, phase, waited_for, timeout_s)
            left_s = until_s - self.recorder.now_s
            yield actions.Receive(connection, phase, left_s, waited_for, until_s=until_s)
        return arrival

    def pending(self, connection: str, skip: tuple[str, ...], *, until_close: bool = False) -> Arrival | Closure | None:
        """What waits on that connection. What is let pass is noted as what no step reads."""
        while True:
            arrival, passed = self.arrivals.take(connection, skip)
            arrival = arrival or self.ended.get(connection)
            if until_close and isinstance(arrival, Arrival):
                passed.append(arrival)
            for frame in passed:
                self.recorder.note_skipped(connection, frame, self.arrivals.type_of(frame))
            if not (until_close and isinstance(arrival, Arrival)):
                return arrival

    def timeout(self, connection: str, phase: str, waited_for: str, timeout_s: float) -> Departed:
        """The departure of a wait that took too long, once it is written down."""
        self.recorder.note(DeadlinePassed(self.told.at_s, connection, phase, waited_for, timeout_s))
        return Departed("timeout", f"{phase}: {waited_for} within {timeout_s:g} s", "nothing", connection)
