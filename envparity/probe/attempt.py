"""Holds one conversation with what is deployed, within bounds of time and memory, and gives what it saw."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.client import ClientConnection

from envparity.conversation import actions
from envparity.conversation.action_outcome import ControlOutcome
from envparity.conversation.driving import Bounds, drive
from envparity.conversation.machine import Conversation
from envparity.observe.transcript import HandshakeAnswered, Transcript
from envparity.probe.network import MAX_FRAME_BYTES, Network

__all__ = ["LEAVE_S", "MAX_BYTES", "MAX_FRAMES", "ProbeAttempt", "attempt"]

MAX_FRAMES: Final = 1000
MAX_BYTES: Final = 4 * MAX_FRAME_BYTES
"""What one conversation may bring; beyond it nothing is read any more, and the connection is cut."""

LEAVE_S: Final = 2.0
"""How long the goodbye of an attempt that is broken off may take, in seconds."""


@dataclass(frozen=True)
class ProbeAttempt:
    """One conversation as it went. Seconds since it began; None: it did not come that far.

    `handshake` is one of `labels.HANDSHAKES`; `close_code` the peer's, 1006 where it gave none, None where there was no
    connection.
    """

    transcript: Transcript
    handshake: str
    connected_s: float | None = None
    accepted_s: float | None = None
    closing_s: float | None = None
    close_code: int | None = None


async def attempt(conversation: Conversation, network: Network, close_s: float) -> ProbeAttempt:
    """Hold that conversation. Whatever the network or the peer does is in what is returned, never an exception.

    `close_s` seconds may the peer take to answer a goodbye. When cancelled it says goodbye with 1000 and leaves.
    """
    user = _DeployedUser(conversation, network)
    # Its deadlines are those of whom it measures for: they are not stretched where this machine is slow.
    lines = await drive(
        conversation,
        user,
        Bounds(close_s, LEAVE_S, most_bytes=MAX_BYTES, most_frames=MAX_FRAMES, stretches=False, cuts=True),
    )
    conversation.finish(user.now())
    accepted_s = closing_s = close_code = None
    for line in lines:
        accepted_s, closing_s = line.opened_s, line.closing_s
        close_code = 1006 if line.end is None else line.end.code
    return ProbeAttempt(conversation.transcript, user.handshake, user.connected_s, accepted_s, closing_s, close_code)


class _DeployedUser:
    """One user of what is deployed: what is around the conversation (`Surroundings`)."""

    def __init__(self, conversation: Conversation, network: Network) -> None:
        self._conversation, self._network = conversation, network
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.handshake = ""
        self.connected_s: float | None = None

    def now(self) -> float:
        return self._loop.time() - self._began

    async def before(self, action: actions.Task) -> None:
        """Nothing is noted of what is deployed."""

    async def open(self, action: actions.Open) -> ClientConnection | None:
        answer = await self._network.open(action.handshake, action.timeout_s, self._connected)
        self.handshake = answer.label
        if answer.timed_out:
            self._conversation.timed_out(self.now(), answer.timed_out)
            return None
        connection = answer.connection
        selected = connection.subprotocol if connection else None
        self._conversation.opened(
            HandshakeAnswered(self.now(), action.connection, "accept", answer.status, selected, error=answer.error)
        )
        return connection

    async def before_sending(self) -> None:
        """It sends what a user sends, and no more often."""

    async def do(self, action: actions.SendRequest | actions.Meet | actions.Control) -> None:  # noqa: ARG002
        """`choice` lets no such step through."""
        self._conversation.controlled(ControlOutcome("a probe does nothing to what is deployed"), self.now())

    async def departed(self) -> None:
        """What is deployed is not looked into."""

    def _connected(self) -> None:
        self.connected_s = self.now()
