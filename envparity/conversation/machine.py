"""The conversation as a state machine: takes what happened and gives what to do next. No socket, no clock.

    conversation = Conversation(scenario, script, contract)
    while not isinstance(action := conversation.next(now), Finished):
        …do it, and tell: opened, received, closed, timed_out, controlled…
    conversation.finish(now)
    conversation.transcript

Times are seconds since the scenario began, on the caller's clock. Frames and closes may be handed over whenever they
arrive; they wait until the script comes to them. The first departure ends the script; it is data, not an exception.
"""

from __future__ import annotations

from typing import Any, Literal

from envparity.conversation.actions import Action, Finished
from envparity.conversation.contract import Contract
from envparity.conversation.script import Script
from envparity.conversation.steps import Steps
from envparity.conversation.told import Opened, Outcome
from envparity.observe.record import Transcript
from envparity.scenario import Scenario

__all__ = ["Conversation"]


class Conversation:
    """One playing of a scenario."""

    def __init__(self, scenario: Scenario, script: Script, contract: Contract | None = None) -> None:
        self._last_step = max(len(scenario.steps) - 1, 0)
        steps = Steps(scenario, script, contract)
        self._told, self._arrivals, self._recorder = steps.told, steps.arrivals, steps.recorder
        self._actions = steps.play()

    def next(self, at_s: float) -> Action:
        """What to do now. An `Open`, `Receive` or `Control` is asked for again until its outcome has been told."""
        self._recorder.now_s = at_s
        action = next(self._actions, None)
        return action or Finished(departed=self._recorder.departure is not None)

    def opened(
        self,
        connection: str,
        status: int,
        at_s: float,
        *,
        subprotocol: str | None = None,
        replica: int | None = None,
        error: str = "",
    ) -> None:
        """The upgrade was answered with that HTTP status; 0 and `error` where no answer could be had or understood."""
        del connection  # one is opened at a time
        self._told.at_s = at_s
        self._told.opened = Opened(status, subprotocol or "", replica, error)

    def received(self, connection: str, message: str | bytes, at_s: float) -> None:
        """A data frame arrived."""
        self._arrivals.frame(connection, message, at_s)

    def closed(self, connection: str, code: int, reason: str, by: Literal["client", "server"], at_s: float) -> None:
        """The connection is closed; `code` is the peer's, 1005 without one, 1006 when there was no close frame."""
        self._arrivals.close(connection, code, reason, by, at_s)

    def timed_out(self, at_s: float, phase: str = "") -> None:
        """The deadline of what was asked for has passed. `phase` says in which, where it has several."""
        self._told.at_s = at_s
        self._told.expired = phase

    def controlled(self, result: dict[str, Any], at_s: float, failure: str = "") -> None:
        """The environment did as it was told, with that result; or it failed to, for that reason."""
        self._told.at_s = at_s
        self._told.outcome = Outcome(result, failure)

    def finish(self, at_s: float) -> None:
        """Record what arrived and nobody read. An unexpected frame or close departs, unless something did before."""
        self._recorder.now_s = at_s
        for connection, arrival in self._arrivals.rest():
            self._recorder.note_arrival(connection, arrival, "message")
            self._recorder.depart(self._recorder.unlike(arrival, "nothing more", connection), self._last_step)

    @property
    def transcript(self) -> Transcript:
        """The conversation so far."""
        return self._recorder.transcript
