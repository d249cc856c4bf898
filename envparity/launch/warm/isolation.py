"""What every warm boot has for itself: a database, a Redis database, and proxies of its own in front of the servers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from envparity.backend import Backend
from envparity.case import Boot
from envparity.errors import DeadlineExceeded, LaunchError
from envparity.launch.booted import BootedStack
from envparity.launch.health import HealthProbe
from envparity.launch.postgres_session import PostgresSession
from envparity.launch.proxy import Latency, Proxy
from envparity.launch.redis_session import RedisSession
from envparity.launch.resolve import ResolvedSetting
from envparity.launch.warm.command import WarmUnavailable

__all__ = ["Databases", "Lane", "case_settings", "open_lanes", "redis_sessions"]

_PREFIX = "envparity_warm_"
_READY_S = 30.0


class Databases:
    """Empty databases on one PostgreSQL server, some made ahead; each is given out once and dropped afterwards."""

    def __init__(self, session: PostgresSession, owner: str, ahead: int, memory_folder: str) -> None:
        self._session, self._owner, self._memory_folder = session, owner, memory_folder
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._ahead, self._made, self._awaited = ahead, 0, 0
        self._prefix = f"{_PREFIX}{secrets.token_hex(4)}"
        self._under_way: set[asyncio.Task[None]] = set()
        self._failure: LaunchError | DeadlineExceeded | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, stack: BootedStack[Any, Any], name: str, ahead: int) -> AsyncIterator[Databases]:
        """Those of that dependency. Raises `WarmUnavailable` where no setting says which database to use."""
        url = next((one.value for one in stack.resolved if one.source == f"{name}.url"), None)
        if not stack.dependencies[name].there or url is None:
            raise WarmUnavailable(f"no setting takes {name}.url, so a boot cannot be given a database of its own")
        async with stack.postgres_session(name) as session:
            databases = cls(session, unquote(urlsplit(url).username or ""), ahead, stack.memory_folder)
            try:
                await databases._make_template()
                databases._make_ahead()
                yield databases
            finally:
                # Their deadlines are the statements' own. The databases go with their server.
                await asyncio.gather(*databases._under_way, return_exceptions=True)

    async def take(self) -> str:
        """The name of an empty database that nobody has had."""
        try:
            async with asyncio.timeout(_READY_S):
                name = await self._ready.get()
        except TimeoutError as error:
            raise DeadlineExceeded("an empty database", _READY_S) from error
        self._awaited -= 1
        if self._failure is not None:
            raise self._failure
        self._make_ahead()
        return name

    def give_back(self, name: str) -> None:
        """Drop it, in the background; whoever is still connected is thrown out."""
        self._background(self._drop(name))

    def _make_ahead(self) -> None:
        while self._awaited < self._ahead:
            self._awaited += 1
            self._made += 1
            self._background(self._make(f"{self._prefix}_{self._made}"))

    async def _make_template(self) -> None:
        """An empty database in memory, which has been connected to once.

        A copy of it, file by file, costs a tenth of one by way of the log and the disk, and its first session finds
        the catalogue's cache there. It does not outlive a restart of the server, nor do its copies.
        """
        folder = f"{self._memory_folder}/{self._prefix}"
        await self._session.run(
            f"\\! mkdir -m 0700 {folder}",
            f"CREATE TABLESPACE \"{self._prefix}\" LOCATION '{folder}'",
            f'CREATE DATABASE "{self._prefix}" OWNER "{self._owner}" TABLESPACE "{self._prefix}"',
            f"\\connect {self._prefix}",
            "\\connect postgres",
        )

    async def _make(self, name: str) -> None:
        try:
            # As the image's own database was made: the role owns it, and nobody else comes in.
            await self._session.run(
                f'CREATE DATABASE "{name}" OWNER "{self._owner}" TEMPLATE "{self._prefix}"'
                f' TABLESPACE "{self._prefix}" STRATEGY file_copy',
                f'REVOKE CONNECT ON DATABASE "{name}" FROM PUBLIC',
                f'GRANT CONNECT ON DATABASE "{name}" TO "{self._owner}"',
            )
        except (LaunchError, DeadlineExceeded) as error:
            self._failure = error
        self._ready.put_nowait(name)

    async def _drop(self, name: str) -> None:
        try:
            await self._session.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        except (LaunchError, DeadlineExceeded) as error:
            self._failure = error

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="a database to come or go")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)


@dataclass
class Lane:
    """One place where a boot can be at a time: its port, its number among Redis databases, its proxies.

    `port` is where the boot listens, `published_port` the one of 127.0.0.1 behind which that is.
    """

    index: int
    port: int
    published_port: int
    redis_database: int
    proxies: dict[str, Proxy]
    probe: HealthProbe

    async def open_up(self, down: tuple[str, ...] = ()) -> None:
        """Every dependency reachable, but for those that this boot keeps down."""
        for name, proxy in self.proxies.items():
            await (proxy.down() if name in down else proxy.up())

    async def close_off(self) -> None:
        """Reset what is connected: nothing of the boot before lives on at the servers."""
        for proxy in self.proxies.values():
            await proxy.down()


async def open_lanes(exits: AsyncExitStack, stack: BootedStack[Any, Any], ports: Mapping[int, int]) -> list[Lane]:
    """A lane for each port (to the one published for it), its proxies listening as long as `exits` lasts."""
    lanes = []
    for index, (port, published) in enumerate(ports.items()):
        proxies = {}
        for name, dependency in stack.dependencies.items():
            proxy = Proxy(stack.proxy_host, upstream=dependency.proxy.upstream, name=f"{name}, warm {index}")
            proxies[name] = await exits.enter_async_context(proxy)
            latency_ms = stack.environment.dependencies[name].latency_ms
            if latency_ms:
                proxy.add(Latency(latency_ms=latency_ms))
        # One for all boots of the lane: a client costs more to make than a boot takes to answer it.
        probe = HealthProbe(stack.backend, f"http://127.0.0.1:{published}")
        exits.push_async_callback(probe.close)
        lanes.append(Lane(index, port, published, index + 1, proxies, probe))
    return lanes


async def redis_sessions(exits: AsyncExitStack, stack: BootedStack[Any, Any]) -> dict[str, RedisSession]:
    """A session with every Redis of the environment, directly and not through a proxy."""
    sessions = {}
    for name, dependency in stack.dependencies.items():
        if dependency.kind != "redis" or dependency.proxy.upstream is None:
            continue
        url = next((one.value for one in stack.resolved if one.source == f"{name}.url"), None)
        if url is None:
            raise WarmUnavailable(f"no setting takes {name}.url, so a boot cannot be given a Redis database of its own")
        session = RedisSession.open(
            dependency.proxy.upstream, unquote(urlsplit(url).password or ""), stack.dependency_tls.get(name)
        )
        sessions[name] = await exits.enter_async_context(session)
    return sessions


def case_settings(
    stack: BootedStack[Any, Any], lane: Lane, boot: Boot, databases: Mapping[str, str]
) -> tuple[ResolvedSetting, ...]:
    """The environment's settings as they are for that boot in that lane, with its own databases and port.

    `databases` are names of databases by dependency.
    """
    settings = {}
    for one in stack.resolved:
        name, _, what = one.source.partition(".")
        if name in lane.proxies and what == "url":
            database = databases.get(name, str(lane.redis_database))
            settings[one.name] = replace(one, value=_moved(one.value, lane.proxies[name].port, database))
        elif name in lane.proxies and what == "port":
            settings[one.name] = replace(one, value=str(lane.proxies[name].port))
        elif one.source in ("platform", "platform.port"):
            settings[one.name] = replace(one, value=str(lane.port))
        else:
            settings[one.name] = one
    for name, value in _of_this_boot(stack.backend, boot):
        settings[name] = ResolvedSetting(name, value, "this boot", secret=False)
    return tuple(settings[name] for name in sorted(settings))


def _of_this_boot(backend: Backend, boot: Boot) -> list[tuple[str, str]]:
    ordered = [(backend.order_setting, ",".join(boot.order))] if boot.order and backend.order_setting else []
    return [*boot.settings, *ordered]


def _moved(url: str, port: int, database: str) -> str:
    parts = urlsplit(url)
    before, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{before}{at}{host.rpartition(':')[0]}:{port}", path=f"/{database}"))
