"""Events from whichever replica runs the agent to every connection of that user, through Redis pub/sub.

Each user has a channel. Every replica hears all of them with one pattern subscription and passes on what is for the
users who are connected to it, so that connecting needs no subscription of its own that could be late or lost. A broken
subscription is made again until the bus is closed.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from typing import TYPE_CHECKING, Any

import structlog

from netra_backend.app.cache.redis_link import ANSWER_TIMEOUT_S, PREFIX
from netra_backend.app.core.failures import DependencyRefused, DependencyUnavailable, redis_failures
from netra_backend.app.core.tasks import end_tasks

if TYPE_CHECKING:
    from collections.abc import Callable

    from netra_backend.app.cache.redis_link import RedisLink

    Deliver = Callable[[str, str, dict[str, Any]], None]

RECONNECT_AFTER_S = 0.1
LONGEST_PAUSE_S = 1.0
"""How long the pause after a lost subscription is, and what it grows to while Redis stays away."""
ECHO_TIMEOUT_S = 1.0
"""How long a word to oneself may be under way before the bus counts as broken."""
_ALL = f"{PREFIX}events:*"
_USER = f"{PREFIX}events:user:"
_ECHO = f"{PREFIX}events:echo"
_RECONNECTING = "the event bus is being reconnected"

log = structlog.stdlib.get_logger(__name__)

REMEMBERED = 500
"""Of how many events it is known that they arrived. What arrives once more comes soon."""


def _each_once(deliver: Deliver) -> Deliver:
    """Deliver no event of a run twice: where Redis published one and its answer was lost, it is asked once more."""
    arrived: dict[tuple[str, Any, Any], None] = {}

    def deliver_once(user_id: str, sender: str, event: dict[str, Any]) -> None:
        known = (user_id, event.get("run_id"), event.get("sequence"))
        if known in arrived:
            return
        if None not in known:
            arrived[known] = None
        if len(arrived) > REMEMBERED:
            del arrived[next(iter(arrived))]
        deliver(user_id, sender, event)

    return deliver_once


class EventBus:
    """Publishes to users, and delivers what was published."""

    def __init__(self, redis: RedisLink) -> None:
        self._redis = redis
        self._subscribed = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._deliver: Deliver | None = None
        self._echoes: dict[str, asyncio.Future[bool]] = {}

    @property
    def connected(self) -> bool:
        """Whether events can arrive here now."""
        return self._subscribed.is_set()

    async def ping(self) -> None:
        """Publish a word to oneself and wait until it arrives: what else arrives will. Raises DependencyUnavailable."""
        word = secrets.token_hex(8)
        echo = self._echoes[word] = asyncio.get_running_loop().create_future()
        try:
            await self._publish(_ECHO, {"echo": word})
            async with asyncio.timeout(ECHO_TIMEOUT_S):
                came_back = await echo
        except TimeoutError:
            raise DependencyUnavailable("redis", "the event bus brings nothing back") from None
        finally:
            del self._echoes[word]
        if not came_back:
            raise DependencyUnavailable("redis", _RECONNECTING)

    @property
    def delivers(self) -> bool:
        """Whether somebody takes what arrives."""
        return self._deliver is not None

    async def start(self) -> None:
        """Subscribe. Raises DependencyUnavailable; may be called again after that."""
        if self._reader is None:
            self._reader = asyncio.create_task(self._read_for_ever(), name="event bus reader")
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._subscribed.wait()
        except TimeoutError:
            raise DependencyUnavailable("redis", "no subscription in time") from None

    def deliver_to(self, deliver: Deliver) -> None:
        """Set who takes what arrives: called with user id, connection id of the sender, and each event once."""
        self._deliver = _each_once(deliver)

    async def publish(self, user_id: str, sender: str, event: dict[str, Any]) -> None:
        """Send an event to all replicas. Raises DependencyUnavailable, also while nothing could arrive here."""
        await self._publish(_USER + user_id, {"sender": sender, "event": event})

    async def _publish(self, channel: str, message: dict[str, Any]) -> None:
        """Raises DependencyUnavailable also where Redis says that nobody listens: we should."""
        heard = self.connected and await self._redis.ask(self._redis.client.publish(channel, json.dumps(message)))
        if not heard:
            raise DependencyUnavailable("redis", _RECONNECTING)

    async def close(self) -> None:
        """Stop reading."""
        if self._reader is not None:
            await end_tasks(self._reader)

    async def _read_for_ever(self) -> None:
        failed = 0
        while True:
            try:
                await self._read_until_broken()
            except (DependencyUnavailable, DependencyRefused) as broken:
                log.warning("event bus lost its subscription", reason=broken.description)
            except Exception:  # a reader that ends for a reason nobody knew would leave the replica deaf
                log.exception("event bus reader broke")
            finally:
                failed = 0 if self._subscribed.is_set() else failed + 1
                self._subscribed.clear()
                self._answer(*self._echoes, came_back=False)
            await asyncio.sleep(_pause_s(failed))

    async def _read_until_broken(self) -> None:
        with redis_failures():
            async with self._redis.subscriber.pubsub() as pubsub:
                await pubsub.psubscribe(_ALL)
                unanswered = False
                while True:
                    message = await pubsub.get_message(timeout=ANSWER_TIMEOUT_S)
                    if message is not None:
                        unanswered = False
                        self._take(message)
                    elif unanswered:
                        raise DependencyUnavailable("redis", "the subscription is silent")
                    else:  # silence may mean that nobody talks, or that the connection is dead: ask
                        await pubsub.ping()
                        unanswered = True

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "psubscribe":
            self._subscribed.set()
        elif message["type"] == "pmessage" and message["channel"] == _ECHO:
            self._answer(json.loads(message["data"])["echo"], came_back=True)
        elif message["type"] == "pmessage" and self._deliver is not None:
            try:
                held = json.loads(message["data"])
                sender, event = held["sender"], held["event"]
            except (ValueError, TypeError, KeyError):
                log.warning("a message on the event bus is no event")
                return
            self._deliver(message["channel"].removeprefix(_USER), sender, event)

    def _answer(self, *words: str, came_back: bool) -> None:
        for word in words:
            echo = self._echoes.get(word)  # another replica's word is none of ours
            if echo is not None and not echo.done():
                echo.set_result(came_back)


def _pause_s(failed: int) -> float:
    """How long to wait after so many attempts in vain: longer each time, and never as long as another replica."""
    longest_s: float = min(RECONNECT_AFTER_S * 2**failed, LONGEST_PAUSE_S)
    return random.uniform(longest_s / 2, longest_s)  # noqa: S311  nothing depends on nobody knowing it
