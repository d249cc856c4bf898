"""A RabbitMQ, with the user `app` and the virtual host `/`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar
from urllib.parse import quote, urlencode

import msgspec

from envparity.dependencies.amqp_client import PROTOCOL, AmqpSession
from envparity.dependencies.programs import missing
from envparity.dependencies.rabbitmq_holdings import NODE_VARIABLE, held_by
from envparity.dependency.kind import (
    WRITABLE,
    DependencyKind,
    OpensShell,
    ProcessPlan,
    Server,
    ServerPlan,
    Tls,
)
from envparity.dependency.wording import known_command
from envparity.launch.connecting import first_byte
from envparity.model.environment import Dependency

__all__ = ["KIND", "RabbitMq"]

_USER = "app"
_PORT = 5672
_FOLDER = "/etc/envparity/rabbitmq"
_FILE = "rabbitmq.conf"
_PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one in PATH is of root and of the system's own RabbitMQ alone
_NODE = "rabbit@localhost"
_AMONG_NODES = "127.0.0.2"
_OTHERS = (
    "ADVANCED_CONFIG_FILE",
    "CONF_ENV_FILE",
    "ENABLED_PLUGINS_FILE",
    "FEATURE_FLAGS_FILE",
    "LOG_BASE",
    "MNESIA_BASE",
    "PID_FILE",
)
_METHOD = b"\x01"
_READY_S = 120.0
_MEMORY_MIB = 1024


class RabbitMqKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of a RabbitMQ."""

    tls: Tls = "off"


class RabbitMq(DependencyKind):
    """RabbitMQ: TLS of its own, a password always. Boots are not kept apart in it."""

    keys: ClassVar[type[msgspec.Struct]] = RabbitMqKeys
    image: ClassVar[str] = "rabbitmq"
    offers: ClassVar[tuple[str, ...]] = ("url", "host", "port", "password", "user", "scheme")
    own_tls: ClassVar[bool] = True
    images: frozenset[str] = frozenset({"rabbitmq"})
    schemes: frozenset[str] = frozenset({"amqp", "amqps"})
    shell: tuple[str, ...] = ("sh",)
    usual_port: int = _PORT
    commands: Mapping[str, str] = MappingProxyType(
        {"publish": "EXCHANGE KEY MESSAGE", "declare": "QUEUE", "purge": "QUEUE", "delete": "QUEUE"}
    )

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
        lines = "\n".join(_configuration(declared, password, str(_PORT), "default", "/etc/envparity/tls"))
        files = {f"{_FOLDER}/{_FILE}": (f"{lines}\n".encode(), 0o644)}
        volumes = ("/var/lib/rabbitmq", _FOLDER)
        return ServerPlan(self.image, _PORT, {}, files, tmpfs=WRITABLE, volumes=volumes, memory_mib=_MEMORY_MIB)

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        scheme = "amqp" if declared.tls == "off" else "amqps"
        query = "?" + urlencode({"cafile": ca_path}, safe="/") if declared.tls == "verify-full" else ""
        return f"{scheme}://{_USER}:{quote(server.password, safe='')}@{server.host}:{server.port}/%2F{query}"

    async def answers(self, server: Server) -> bool:
        """By its answer to the header of its protocol."""
        name = "localhost" if server.tls else None
        return await first_byte(server.host, server.port, PROTOCOL, server.tls, name) == _METHOD

    async def command(self, server: Server, command: tuple[str, ...]) -> object:
        """A message to an exchange ("" is that of queues by their names), or something done to a queue."""
        name, words = known_command(self.commands, command)
        async with AmqpSession.open(server, _USER) as session:
            done: Mapping[str, Callable[..., Awaitable[object]]] = {
                "publish": session.publish,
                "declare": session.declare,
                "purge": session.purge,
                "delete": session.delete,
            }
            return await done[name](*words)

    async def holdings(self, server: Server, shell: OpensShell) -> Mapping[str, int]:
        """Queues, exchanges and bindings, who takes from a queue, and what that has and does not confirm."""
        del server
        async with shell() as opened:
            return await held_by(opened)

    def lacking(self) -> str:
        return missing(_PROGRAM, "Debian's package rabbitmq-server")

    def process(self, declared: Dependency, folder: Path, port: int, password: str) -> ProcessPlan:
        lines = "\n".join(_configuration(declared, password, f"127.0.0.1:{port}", "1", str(folder)))
        return ProcessPlan((_PROGRAM,), {_FILE: f"{lines}\n"}, dict(_variables(folder, port)))


def _configuration(declared: Dependency, password: str, address: str, listener: str, tls: str) -> Iterator[str]:
    yield f"default_user = {_USER}"
    yield f"default_pass = {password}"
    yield "loopback_users = none"
    yield "log.console.level = info"
    yield "disk_free_limit.absolute = 1MB"  # its folder may be small, and lies in memory
    if declared.tls == "off":
        yield f"listeners.tcp.{listener} = {address}"
        return
    yield "listeners.tcp = none"
    yield f"listeners.ssl.{listener} = {address}"
    yield f"ssl_options.certfile = {tls}/server.crt"
    yield f"ssl_options.keyfile = {tls}/server.key"
    yield "ssl_options.verify = verify_none"


def _variables(folder: Path, port: int) -> Iterator[tuple[str, str]]:
    """Of a process: everything that it writes is in that folder, and nothing of the system's own RabbitMQ is read.

    Its node has its name from the start, and a fixed port for other nodes, at an address that no port is held of: so
    it neither asks Erlang's port mapper nor starts one, which would outlive it.
    """
    yield "RABBITMQ_NODENAME", _NODE
    among = f"-kernel inet_dist_use_interface {{{_AMONG_NODES.replace('.', ',')}}}"
    start = f"-noinput -sname {_NODE} -start_epmd false -erl_epmd_port {port} {among}"
    yield "RABBITMQ_SERVER_START_ARGS", start
    yield NODE_VARIABLE, f"{_AMONG_NODES}:{port}"
    yield "RABBITMQ_ALLOW_INPUT", "true"  # no shell between it and its signals
    yield "RABBITMQ_LOGS", "-"
    yield "RABBITMQ_CONFIG_FILE", str(folder / _FILE)
    yield "ERL_CRASH_DUMP", str(folder / "erl_crash.dump")
    for name in _OTHERS:
        yield f"RABBITMQ_{name}", str(folder / name.lower())


KIND = RabbitMq()
