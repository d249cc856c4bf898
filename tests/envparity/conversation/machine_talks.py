"""Conversations that a test leads step by step, without a socket or a clock."""

from __future__ import annotations

from typing import Any

from envparity.conversation import actions
from envparity.conversation.contract.contract import Contract
from envparity.conversation.machine import Conversation
from envparity.conversation.resolving import Handshake, ResolvedScenario
from envparity.model.scenario import Scenario
from envparity.model.step import (
    Connect,
    Step,
)
from envparity.observe.transcript import (
    Departure,
    Event,
    HandshakeAnswered,
)

CONTRACT = """
asyncapi: 3.0.0
channels:
  all:
    messages:
      ping: { payload: { type: object, additionalProperties: false, properties: { type: { const: ping } } } }
      pong: { payload: { type: object, additionalProperties: false, properties: { type: { const: pong } } } }
    x-close-codes: { 1001: { reasons: [shutdown] } }
operations:
  hear: { action: receive, messages: [{ $ref: "#/channels/all/messages/ping" }] }
  say: { action: send, messages: [{ $ref: "#/channels/all/messages/pong" }] }
"""


def conversation(*steps: Step, contract: Contract | None = None, **resolved: Any) -> Conversation:
    """A conversation with these steps; `resolved` are fields of its ResolvedScenario."""
    handshake = Handshake("/ws", (), None, ("v1",), "v1", None)
    handshakes = {index: handshake for index, step in enumerate(steps) if isinstance(step, Connect)}
    script = ResolvedScenario(**{"handshakes": handshakes, **resolved})
    return Conversation(Scenario("scenario", "group", steps=steps), script, contract)


def connected(*steps: Step, contract: Contract | None = None, **resolved: Any) -> Conversation:
    """A conversation whose first step, connecting, is done."""
    talk = conversation(Connect("valid"), *steps, contract=contract, **resolved)
    assert isinstance(talk.next(0.0), actions.Open)
    talk.opened(HandshakeAnswered(0.1, "a", "accept", 101, "v1", 0))
    return talk


def departed(talk: Conversation, at_s: float = 9.0) -> Departure:
    """The departure of a conversation that has nothing more to do."""
    assert talk.next(at_s) == actions.Finished(departed=True)
    departure = talk.transcript.departure
    assert departure is not None
    return departure


def kept_to_its_script(talk: Conversation, at_s: float = 9.0) -> tuple[Event, ...]:
    """The entries of a conversation that ended well."""
    assert talk.next(at_s) == actions.Finished(departed=False)
    talk.finish(at_s)
    assert talk.transcript.departure is None
    return talk.transcript.events


def handshakes(*steps: int) -> dict[str, Any]:
    """What these steps say when they connect."""
    return {"handshakes": dict.fromkeys(steps, Handshake("/ws", (), None, ("v1",), "v1", None))}
