"""A RabbitMQ, with the user `app` and the virtual host `/`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar
from urllib.parse import quote, urlencode

import msgspec

from envparity.dependency.kind import (
    WRITABLE,
    DependencyKind,
    Server,
    ServerPlan,
    Tls,
)
from envparity.launch.connecting import first_byte
from envparity.model.environment import Dependency

__all__ = ["KIND", "RabbitMq"]

_USER = "app"
_PORT = 5672
_FOLDER = "/etc/envparity/rabbitmq"
_PROTOCOL = b"AMQP\x00\x00\x09\x01"  # the header of AMQP 0-9-1 (§4.2.2), which is answered with Connection.Start
_METHOD = b"\x01"
_READY_S = 120.0
_MEMORY_MIB = 1024


class RabbitMqKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of a RabbitMQ."""

    tls: Tls = "off"


class RabbitMq(DependencyKind):
    """RabbitMQ, in containers alone: Erlang's port mapper outlives whoever starts it as a process."""

    keys: ClassVar[type[msgspec.Struct]] = RabbitMqKeys
    image: ClassVar[str] = "rabbitmq"
    offers: ClassVar[tuple[str, ...]] = ("url", "host", "port", "password", "user", "scheme")
    images: frozenset[str] = frozenset({"rabbitmq"})
    schemes: frozenset[str] = frozenset({"amqp", "amqps"})

    def of_container(self, command: str, variables: Collection[str]) -> Mapping[str, object]:
        """Nothing of it says more."""
        del command, variables
        return {}

    def of_url(self, scheme: str, query: str, *, password: bool) -> Mapping[str, object]:
        """TLS by the scheme; it asks for a password always."""
        del query, password
        return {"tls": "require"} if scheme == "amqps" else {}

    def asks_for_password(self, declared: Dependency) -> bool:
        """Always: its own user `guest` is let in from its own machine alone."""
        del declared
        return True

    def patience_s(self, declared: Dependency) -> float:
        """It starts slowly on few processors."""
        del declared
        return _READY_S

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        lines = "\n".join(_configuration(declared, password))
        files = {f"{_FOLDER}/rabbitmq.conf": (f"{lines}\n".encode(), 0o644)}
        volumes = ("/var/lib/rabbitmq", _FOLDER)
        return ServerPlan(self.image, _PORT, {}, files, tmpfs=WRITABLE, volumes=volumes, memory_mib=_MEMORY_MIB)

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        scheme = "amqp" if declared.tls == "off" else "amqps"
        query = "?" + urlencode({"cafile": ca_path}, safe="/") if declared.tls == "verify-full" else ""
        return f"{scheme}://{_USER}:{quote(server.password, safe='')}@{server.host}:{server.port}/%2F{query}"

    async def answers(self, server: Server) -> bool:
        """By its answer to the header of its protocol."""
        name = "localhost" if server.tls else None
        return await first_byte(server.host, server.port, _PROTOCOL, server.tls, name) == _METHOD


def _configuration(declared: Dependency, password: str) -> Iterator[str]:
    yield f"default_user = {_USER}"
    yield f"default_pass = {password}"
    yield "loopback_users = none"
    yield "log.console.level = info"
    if declared.tls == "off":
        yield f"listeners.tcp.default = {_PORT}"
        return
    yield "listeners.tcp = none"
    yield f"listeners.ssl.default = {_PORT}"
    yield "ssl_options.certfile = /etc/envparity/tls/server.crt"
    yield "ssl_options.keyfile = /etc/envparity/tls/server.key"
    yield "ssl_options.verify = verify_none"


KIND = RabbitMq()
