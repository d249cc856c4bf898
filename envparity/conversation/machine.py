"""The conversation as a state machine: takes what happened and gives what to do next. No socket, no clock.

    conversation = Conversation(scenario, script, contract)
    while not isinstance(action := conversation.next(now), Finished):
        …do it, and tell: opened, responded, received, closed, timed_out, controlled…
    conversation.finish(now)
    conversation.transcript

Times are seconds since the scenario began, on the caller's clock. Frames and closes may be handed over whenever they
arrive; they wait until the script comes to them. The first departure ends the script; it is data, not an exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from envparity.conversation.action_outcome import ControlOutcome
from envparity.conversation.actions import Action, Finished, HttpResponse
from envparity.conversation.arrivals import Arrival
from envparity.conversation.contract.contract import Contract
from envparity.conversation.resolved import ResolvedScenario
from envparity.conversation.steps import Steps
from envparity.frames.codec import Beat
from envparity.model.scenario import Scenario
from envparity.observe.disturbed import Disturbed
from envparity.observe.transcript import HandshakeAnswered, LoggedLines, Transcript

__all__ = ["Conversation"]


class Conversation:
    """One playing of a scenario."""

    def __init__(self, scenario: Scenario, script: ResolvedScenario, contract: Contract | None = None) -> None:
        self._last_step = max(len(scenario.steps) - 1, 0)
        steps = Steps(scenario, script, contract)
        self._told, self._arrivals, self._recorder = steps.told, steps.arrivals, steps.recorder
        self._actions = steps.play()

    def next(self, at_s: float) -> Action:
        """What to do now. Whatever has an outcome, as `Open` and `Receive` have, is asked for until that was told."""
        self._recorder.now_s = at_s
        action = next(self._actions, None)
        return action or Finished(departed=self._recorder.departure is not None)

    def opened(self, answer: HandshakeAnswered, worker: int | None = None) -> None:
        """The upgrade was answered, or could not be; `worker` is the process that did, where that was asked."""
        self._told.at_s = answer.at_s
        self._told.opened, self._told.worker = answer, worker

    def received(self, connection: str, message: str | bytes, at_s: float) -> tuple[str | bytes, ...]:
        """A message arrived. Gives what is to be sent at once, for clients answer it by themselves."""
        return self._arrivals.message(connection, message, at_s)

    def too_much(self, connection: str) -> bool:
        """Whether that connection has brought more that no step has read than may wait."""
        return self._arrivals.too_much(connection)

    def beat(self, connection: str) -> Beat | None:
        """What clients say at intervals on that connection, as it is now; it changes with what was said."""
        return self._arrivals.wire.beat(connection)

    def closed(self, connection: str, code: int, reason: str, by: Literal["client", "server"], at_s: float) -> None:
        """The connection is closed; `code` is the peer's, 1005 without one, 1006 when there was no close frame."""
        self._arrivals.close(connection, code, reason, by, at_s)

    def responded(self, response: HttpResponse, at_s: float) -> None:
        """The request was answered, or could not be."""
        self._told.at_s = at_s
        self._told.response = response

    def timed_out(self, at_s: float, phase: str = "") -> None:
        """The deadline of what was asked for has passed. `phase` says in which, where it has several."""
        self._told.at_s = at_s
        self._told.expired = phase

    def controlled(self, outcome: ControlOutcome, at_s: float) -> None:
        """The environment did as it was told, or failed to."""
        self._told.at_s = at_s
        self._told.outcome = outcome

    def finish(self, at_s: float) -> None:
        """Record what arrived and nobody read. An unexpected frame or close departs, unless something did before."""
        self._recorder.now_s = at_s
        for connection, arrival in self._arrivals.rest():
            if isinstance(arrival, Arrival) and self._arrivals.is_ignored(arrival):
                self._recorder.note_skipped(connection, arrival, self._arrivals.type_of(arrival))
                continue
            self._recorder.note_arrival(connection, arrival, "message")
            departed = self._recorder.unlike(arrival, "nothing more", connection, self._arrivals.type_of(arrival))
            self._recorder.depart(departed, self._last_step)

    @property
    def failed_s(self) -> float | None:
        """When the conversation failed: at its first 1011, else at its departure; None where it did not."""
        return self._recorder.failed_s

    def logged(self, logged: Iterable[LoggedLines]) -> None:
        """Keep what was logged in the moments of the failure."""
        self._recorder.note_logged(logged)

    def disturbed(self, disturbed: Iterable[Disturbed]) -> None:
        """Keep what was disturbed, and what was seen of that."""
        self._recorder.disturbed = tuple(disturbed)

    def looked_at(self, readiness: Iterable[int | None]) -> None:
        """Keep what the replicas' readiness answered when the script was left."""
        self._recorder.readiness = tuple(readiness)

    @property
    def met_secrets(self) -> Mapping[str, str]:
        """What the backend gave that is a secret, each with what is shown for it: sessions, tokens."""
        return self._recorder.met_secrets

    @property
    def transcript(self) -> Transcript:
        """The conversation so far."""
        return self._recorder.transcript
