"""One conversation, from the accepted upgrade to the close frame: authenticate, then message by message.

Services are found when the startup has passed, never before, and what the startup steps import is imported here when
it is needed (see `core/components.py`). A known condition ends with its own code and reason; 1011 is for what nobody
knows.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from netra_backend.app.core.failures import DependencyRefused, DependencyUnavailable
from netra_backend.app.core.moments import now
from netra_backend.app.core.tasks import end_tasks
from netra_backend.app.services.identity import Identity, TokenRefused
from netra_backend.app.settings import Settings
from netra_backend.app.websocket_core.handshake import offered_token
from netra_backend.app.websocket_core.messages import Authenticate, ClientMessage, MessageRefused, message_in
from netra_backend.app.websocket_core.rate_limit import RateLimit
from netra_backend.app.websocket_core.refusals import (
    IDLE,
    INTERNAL_ERROR,
    RATE_LIMITED,
    TOO_MANY_CONNECTIONS,
    ConversationEnded,
    Ending,
    dependency_unavailable,
    error_frame,
    internal_error,
    unauthenticated,
)
from netra_backend.app.websocket_core.wire import ClientGone, Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.websockets import WebSocket

    from netra_backend.app.backend import Backend
    from netra_backend.app.cache.connection_limits import ConnectionLimits
    from netra_backend.app.core.user_execution_context import UserExecutionContext
    from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManager

MESSAGE_LIMIT_WITHOUT_SETTINGS = 8192
RELEASE_TIMEOUT_S = 1.0

log = structlog.stdlib.get_logger(__name__)


class Conversation:
    """Holds one conversation."""

    def __init__(self, websocket: WebSocket, backend: Backend) -> None:
        settings = backend.reading.settings
        self._websocket = websocket
        self._backend = backend
        self._services = backend.startup.services
        limit = settings.websocket_max_message_bytes if settings else MESSAGE_LIMIT_WITHOUT_SETTINGS
        self._wire = Wire.over(websocket, backend.metrics, limit)

    async def hold(self) -> None:
        """Hold it to its end, whatever that is."""
        self._backend.opened(self._wire)
        try:
            await self._wire.close(await self._until_ended())
        except ClientGone as gone:
            log.info("closed by the client", code=gone.code)
        finally:
            self._wire.abandon()
            self._backend.closed(self._wire)

    async def _until_ended(self) -> Ending:
        """How the backend ends it. Raises ClientGone when the client does."""
        try:
            if (refusal := self._backend.refusal) is not None:
                return refusal
            identity = await self._authenticate()
            async with self._connected(identity) as manager:
                return await self._converse(manager)
        except ConversationEnded as ended:
            return ended.ending
        except (DependencyUnavailable, DependencyRefused) as unavailable:
            return dependency_unavailable(unavailable.dependency)
        except ClientGone:
            raise
        except Exception:  # the last resort, which 1011 is for
            incident = secrets.token_hex(6)
            log.exception("internal error in a conversation", incident=incident, close_code=INTERNAL_ERROR)
            return internal_error(incident)

    async def _authenticate(self) -> Identity:
        from netra_backend.app.services.unified_authentication_service import UnifiedAuthenticationService

        attempts = self._backend.metrics.auth_attempts
        try:
            token = offered_token(self._websocket)
            if token is None:
                token = await self._token_in_first_frame()
            identity = await self._services.of(UnifiedAuthenticationService).judge(token)
        except TokenRefused as refused:
            attempts.labels(outcome=refused.code).inc()
            raise ConversationEnded(unauthenticated(refused.code, refused.message)) from None
        except (DependencyUnavailable, DependencyRefused):
            attempts.labels(outcome="dependency_unavailable").inc()
            raise
        attempts.labels(outcome="accepted").inc()
        return identity

    async def _token_in_first_frame(self) -> str:
        try:
            message = message_in(await self._wire.text(self._settings.websocket_auth_timeout_s))
        except TimeoutError:
            raise TokenRefused("auth_timeout", "No token came in time.") from None
        except MessageRefused as refused:
            if refused.error.get("field") == "token":
                raise TokenRefused("token_malformed", "The token is missing, or no text.") from None
            raise TokenRefused("auth_required", "The first frame must be 'authenticate'.") from None
        if not isinstance(message, Authenticate):
            raise TokenRefused("auth_required", "The first frame must be 'authenticate'.")
        return message.token

    @asynccontextmanager
    async def _connected(self, identity: Identity) -> AsyncIterator[WebSocketManager]:
        """A context, a lease, a manager, the welcome; and all of it given back at the end."""
        from netra_backend.app.cache.connection_limits import ConnectionLimits
        from netra_backend.app.core.user_execution_context import UserContextFactory
        from netra_backend.app.websocket_core.heartbeat import Heartbeat
        from netra_backend.app.websocket_core.websocket_manager_factory import WebSocketManagerFactory

        context = self._services.of(UserContextFactory).for_connection(identity.user_id)
        limits, managers = self._services.of(ConnectionLimits), self._services.of(WebSocketManagerFactory)
        try:
            if not await limits.take(context):
                raise ConversationEnded(TOO_MANY_CONNECTIONS)
            manager = managers.create(context, self._wire)
            self._welcome(manager)
            managers.opened(manager)
            with (
                self._backend.metrics.connections.track_inprogress(),
                structlog.contextvars.bound_contextvars(connection_id=context.connection_id),
            ):
                log.info("connection established", user_id=context.user_id)
                companions = (
                    asyncio.create_task(self._services.of(Heartbeat).beat(manager), name="heartbeat"),
                    asyncio.create_task(limits.keep(context), name="lease"),
                )
                try:
                    yield manager
                finally:
                    managers.closed(manager)
                    await end_tasks(*companions)
        finally:
            await _release(limits, context)

    def _welcome(self, manager: WebSocketManager) -> None:
        settings = self._settings
        manager.send(
            {
                "type": "connection_established",
                "connection_id": manager.context.connection_id,
                "user_id": manager.context.user_id,
                "server_time": now(),
                "limits": {
                    "max_message_bytes": settings.websocket_max_message_bytes,
                    "messages_per_minute": settings.websocket_messages_per_minute,
                    "connections_per_user": settings.websocket_connections_per_user,
                    "heartbeat_interval_s": settings.websocket_heartbeat_interval_s,
                    "idle_timeout_s": settings.websocket_idle_timeout_s,
                },
            }
        )

    async def _converse(self, manager: WebSocketManager) -> Ending:
        """Message by message, until one of them, or their absence, or somebody else ends it."""
        limit = RateLimit(self._settings.websocket_messages_per_minute)
        while True:
            try:
                text = await self._wire.text(self._settings.websocket_idle_timeout_s)
            except TimeoutError:
                return IDLE
            if not limit.allows_one_more():
                self._count("any", "rate_limited")
                return RATE_LIMITED
            await self._handle(manager, text)

    async def _handle(self, manager: WebSocketManager, text: str | None) -> None:
        from netra_backend.app.websocket_core.message_router import MessageRouter

        message: ClientMessage | None = None
        outcome = "internal_error"
        try:
            message = message_in(text)
            await self._services.of(MessageRouter).dispatch(manager, message)
            outcome = "ok"
        except MessageRefused as refused:
            outcome = refused.error["code"]
            manager.send(refused.error)
        except (DependencyUnavailable, DependencyRefused) as unavailable:
            outcome = "dependency_unavailable"
            log.warning(
                "a message needs a dependency", component=unavailable.dependency, reason=unavailable.description
            )
            manager.send(
                error_frame(
                    outcome,
                    f"{unavailable.dependency} cannot be reached now.",
                    retryable=True,
                    component=unavailable.dependency,
                    message_id=getattr(message, "message_id", None),
                )
            )
        finally:
            self._count(getattr(message, "type", "unknown"), outcome)

    def _count(self, type_: str, outcome: str) -> None:
        self._backend.metrics.messages.labels(type=type_, outcome=outcome).inc()

    @property
    def _settings(self) -> Settings:
        return self._services.of(Settings)


async def _release(limits: ConnectionLimits, context: UserExecutionContext) -> None:
    try:
        async with asyncio.timeout(RELEASE_TIMEOUT_S):
            await limits.release(context)
    except (DependencyUnavailable, DependencyRefused, TimeoutError):
        log.info("lease not released; it runs out by itself")
