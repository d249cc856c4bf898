"""A server that speaks Redis's protocol: Redis or Valkey."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Unpack
from urllib.parse import quote, urlencode

import msgspec

from envparity.dependencies.own_image import OwnImage, TakesOwnImage, image_named
from envparity.dependencies.redis_holdings import held_by
from envparity.dependencies.redis_session import PING, RedisSession, is_up
from envparity.dependency.kind import (
    WRITABLE,
    Ground,
    Isolation,
    OpensShell,
    Password,
    Server,
    ServerPlan,
    Tls,
)
from envparity.errors import LaunchError
from envparity.launch.agent.command import WarmUnavailable
from envparity.launch.connecting import first_bytes
from envparity.model.environment import Dependency

if TYPE_CHECKING:
    from envparity.launch.process.servers import ProcessServer, ServerParts

__all__ = ["KIND", "Redis"]

_PORT = 6379
_DATABASES = 16
_CONFIGURATION = "/etc/envparity/redis/redis.conf"


class RedisKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of a Redis."""

    tls: Tls = "off"
    password: Password = True
    image: OwnImage = None


class Redis(TakesOwnImage):
    """Redis: TLS, a password, commands; one of its sixteen databases for each warm boot."""

    keys: ClassVar[type[msgspec.Struct]] = RedisKeys
    image: ClassVar[str] = "redis"
    offers: ClassVar[tuple[str, ...]] = ("url", "host", "port", "password", "database", "scheme")
    images: frozenset[str] = frozenset({"redis", "valkey", "redis-stack", "redis-stack-server"})
    schemes: frozenset[str] = frozenset({"redis", "rediss"})
    usual_port: int = _PORT

    def of_container(self, command: str, variables: Collection[str]) -> Mapping[str, object]:
        """A password, where the command or a variable of its images gives one."""
        return {"password": "requirepass" in command or bool({"REDIS_PASSWORD", "VALKEY_PASSWORD"} & set(variables))}

    def of_url(self, scheme: str, query: str, *, password: bool) -> Mapping[str, object]:
        """TLS by the scheme, and a password where the URL has one."""
        del query
        return {"password": password, **({"tls": "require"} if scheme == "rediss" else {})}

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        if image_named(declared) is not None:
            # The images of Redis and of Valkey take a password by nothing but their configuration or a command line.
            files = {_CONFIGURATION: ("\n".join(_own_configuration(declared, password)).encode(), 0o644)}
            return ServerPlan(self.image, _PORT, {}, files, entrypoint=("redis-server", _CONFIGURATION))
        variables = {"REDIS_PASSWORD": password} if declared.password else {}
        if declared.tls != "off":
            variables["REDIS_TLS"] = "required"
        return ServerPlan(self.image, _PORT, variables, tmpfs=WRITABLE, memory_folder_mib=256, memory_mib=256)

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        scheme = "redis" if declared.tls == "off" else "rediss"
        secret = f":{quote(server.password, safe='')}@" if declared.password else ""
        url = f"{scheme}://{secret}{server.host}:{server.port}/0"
        return url if declared.tls == "off" else url + "?" + urlencode({"ssl_ca_certs": ca_path}, safe="/")

    async def answers(self, server: Server) -> bool:
        """By asking: whoever has no password is told so, and that is an answer too."""
        name = "redis" if server.tls else None
        return is_up(await first_bytes(server.host, server.port, PING, server.tls, name))

    def lacking(self) -> str:
        from envparity.dependencies.redis_server import redis_program

        try:
            redis_program()
        except LaunchError as error:
            return str(error)
        return ""

    def server(self, declared: Dependency, **given: Unpack[ServerParts]) -> ProcessServer:
        from envparity.dependencies.redis_server import RedisServer

        del declared
        return RedisServer(**given)

    def front(
        self, server: ProcessServer, tls: ssl.SSLContext, host: str
    ) -> AbstractAsyncContextManager[tuple[str, int]]:
        """TLS from the first byte."""
        from envparity.launch.process.tls_front import tls_front

        return tls_front(server.socket, tls, host, "redis")

    async def command(self, server: Server, command: tuple[str, ...]) -> object:
        async with RedisSession.open((server.host, server.port), server.password, server.tls) as session:
            return await session.run(0, command)

    async def holdings(self, server: Server, shell: OpensShell) -> Mapping[str, int]:
        """Keys without an expiry of the database that the replicas use, and what is in those that grow."""
        del shell
        async with RedisSession.open((server.host, server.port), server.password, server.tls) as session:
            return await held_by(session)

    @asynccontextmanager
    async def isolation(
        self, ground: Ground, name: str, url: str, server: Server, lanes: int
    ) -> AsyncIterator[Isolation]:
        """A numbered database for each boot; the replicas use the first."""
        del ground, name, url
        if lanes >= _DATABASES:
            raise WarmUnavailable(f"{lanes} lanes: Redis has {_DATABASES} databases, and the replicas use the first")
        async with RedisSession.open((server.host, server.port), server.password, server.tls) as session:
            yield _NumberedDatabases(session)


def _own_configuration(declared: Dependency, password: str) -> Iterator[str]:
    """The lines for a server of somebody's own image: it keeps nothing, as ours does."""
    yield from (f"port {_PORT}", "bind * -::*", "protected-mode no", 'save ""', "appendonly no", "dir /tmp")
    yield f"databases {_DATABASES}"
    if declared.password:
        yield f'requirepass "{password}"'


class _NumberedDatabases:
    """Databases by their numbers, each emptied before a boot has it."""

    def __init__(self, session: RedisSession) -> None:
        self._session = session

    async def take(self, lane: int) -> str:
        number = lane + 1
        await self._session.run(number, ("FLUSHDB",))
        return str(number)

    def give_back(self, place: str) -> None:
        """Nothing: whoever has it next empties it."""

    async def command(self, place: str, command: tuple[str, ...]) -> object:
        return await self._session.run(int(place), command)


KIND = Redis()
