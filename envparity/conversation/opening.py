"""Connecting a client of a conversation, again and again where another replica or worker is to answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.http11 import Response

from envparity.conversation import actions
from envparity.conversation.actions import HttpResponse, SendRequest
from envparity.conversation.affinity import AffinityCookies
from envparity.conversation.answer import answered, upstream_of
from envparity.conversation.answering import UNSEEN, worker_of, workers_of
from envparity.conversation.crowd import Crowd
from envparity.conversation.machine import Conversation
from envparity.conversation.polling import PollingConnection, as_response, open_polling
from envparity.conversation.requesting import respond
from envparity.conversation.upgrading import upgrade
from envparity.frames.codec import CODECS, Codec
from envparity.frames.polling import Polls
from envparity.launch.client_addresses import Way
from envparity.launch.connecting import tcp_connection, why_not
from envparity.launch.ingress_variables import REPLICA_HEADER
from envparity.launch.port import Stack
from envparity.support.stalls import within

__all__ = ["Opening"]

_SWITCHING = 101
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _GROWTH = 0.2, 1.0, 1.5
_PATIENCE_S = 15.0  # some twenty attempts: one of two replicas is not met in them once in a million


@dataclass(frozen=True)
class Opening:
    """Connects, and tells the conversation what came of it. `ways` are of clients with addresses of their own, `codec`
    holds sessions of long polling.
    """

    conversation: Conversation
    stack: Stack
    crowd: Crowd
    ways: Mapping[str, Way]
    affinity: AffinityCookies
    codec: Codec

    async def open(self, action: actions.Open) -> ClientConnection | PollingConnection | None:
        """Connect; where another replica or worker is wanted, again and again until it is chosen. None: it failed."""
        restraint = self.stack.endpoint.restraint
        if restraint is not None:
            await restraint.before_connecting()
        await self.crowd.before_connecting()
        worker, attempt = None, 0
        missing, pause_s = "no other replica answered", 0.0 if action.worker else _FIRST_PAUSE_S
        try:
            # Each of connecting and upgrading has a deadline of its own below.
            async with within(2 * action.timeout_s + _PATIENCE_S):
                while True:
                    before = await workers_of(self.stack) if action.worker else {}
                    connection = await self._open_once(action, self._wish(action, attempt))
                    if connection is None:
                        return None
                    replica = self.stack.replica_index(upstream_of(connection.response))
                    if action.other_than is None or not self._has_a_choice or replica != action.other_than:
                        if not action.worker:
                            break
                        worker, known = await worker_of(self.stack, replica, connection.local_address[1], before)
                        if worker is not None and (worker != action.other_worker_than or known == 1):
                            break
                        missing = "no other worker process answered" if worker is not None else UNSEEN
                    attempt += 1
                    await connection.close()
                    # A user who comes again at once is one too many for a backend that is still letting the last go.
                    # Two clients who come again in the same rhythm are given to the same replicas in turn, for ever.
                    # Which worker of a replica takes a connection is chance, which wants many attempts.
                    await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311  no secret
                    pause_s = min(_GROWTH * pause_s, _LONGEST_PAUSE_S)
        except TimeoutError:
            self._opened(action, error=missing)
            return None
        self.affinity.keep(action.handshake.user, connection.response)
        self._opened(action, connection.response, connection.subprotocol, worker=worker)
        return connection

    def way(self, source: str | None) -> Way:
        """How a client comes to the stack that says that name for its address, or none."""
        return Way(self.stack.endpoint.address) if source is None else self.ways[source]

    @property
    def _has_a_choice(self) -> bool:
        """Whether another replica can answer the same client."""
        return self.stack.replica_count > 1 and self.stack.endpoint.affinity != "address"

    def _wish(self, action: actions.Open, attempt: int) -> tuple[tuple[str, str], ...]:
        """The header that asks the ingress for another replica, each attempt for the next; none where it heeds none."""
        count = self.stack.replica_count
        if action.other_than is None or not (self._has_a_choice and self.stack.endpoint.chooses_replica):
            return ()
        others = [index for index in range(count) if index != action.other_than]
        return ((REPLICA_HEADER, str(others[(action.other_than + attempt) % len(others)] + 1)),)

    async def _open_once(
        self, action: actions.Open, wish: tuple[tuple[str, str], ...]
    ) -> ClientConnection | PollingConnection | None:
        """One attempt, with that header beside its own; None when it failed, and the conversation was told how."""
        if action.handshake.polling:
            return await self._open_polling(action, wish)
        endpoint, phase = self.stack.endpoint, "connect"
        # Who is to come to another replica is another client, which has no cookie yet.
        known = "" if action.other_than is not None else self.affinity.of(action.handshake.user)
        try:
            async with within(action.timeout_s):
                way = self.way(action.source)
                sock = await tcp_connection(way.address, way.source, narrow=action.narrow)
            phase = "accept"
            async with within(action.timeout_s):
                handshake = replace(action.handshake, headers=(*action.handshake.headers, *wish))
                return await upgrade(sock, endpoint, handshake, known)
        except TimeoutError:
            self.conversation.timed_out(self.crowd.now(), phase)
        except InvalidStatus as refused:
            self._opened(action, refused.response)
        except InvalidMessage as error:  # not HTTP, or nothing at all before the connection was lost
            self._opened(action, error=str(error.__cause__ or error))
        except InvalidHandshake as error:
            self._opened(action, error=str(error), status=_SWITCHING)
        except OSError as error:
            self._opened(action, error=why_not(error))
        return None

    async def _open_polling(self, action: actions.Open, wish: tuple[tuple[str, str], ...]) -> PollingConnection | None:
        """The same by long polling. Its requests have connections of their own; the cookie of the ingress is kept."""
        handshake, codec = action.handshake, self.codec
        affinity = AffinityCookies() if action.other_than is not None else self.affinity

        async def ask(request: SendRequest) -> HttpResponse:
            return await respond(request, self.stack, affinity, self.way(action.source))

        origin = () if handshake.origin is None else (("Origin", handshake.origin),)
        headers = (*handshake.headers, *origin, *wish)
        opening = SendRequest(
            action.connection, "GET", "", headers, b"", action.timeout_s, handshake.user, action.source
        )
        if not isinstance(codec, Polls):
            raise TypeError(f"{type(codec).__name__} does not poll")
        with CODECS.guarding(codec):
            polled = codec.polled(handshake.path)
        opened = await open_polling(ask, opening, polled, codec)
        if isinstance(opened, PollingConnection):
            return opened
        if opened.status:
            self._opened(action, as_response(opened), error=opened.error)
        else:
            self._opened(action, error=opened.error)
        return None

    def _opened(
        self,
        action: actions.Open,
        response: Response | None = None,
        subprotocol: str | None = None,
        *,
        error: str = "",
        status: int = 0,
        worker: int | None = None,
    ) -> None:
        """Tell the conversation of an answer, or with `error` why there is none that can be understood."""
        now_s = self.crowd.now()
        answer = answered(action, self.stack, response, now_s, subprotocol=subprotocol, error=error, status=status)
        self.conversation.opened(answer, worker)
