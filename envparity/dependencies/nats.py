"""A NATS server: clients come in as the user `app`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar
from urllib.parse import quote

import msgspec

from envparity.dependencies.nats_client import NatsSession
from envparity.dependencies.nats_holdings import held_by
from envparity.dependencies.programs import missing, program
from envparity.dependency.kind import (
    WRITABLE,
    DependencyKind,
    MaxConnections,
    OpensShell,
    Password,
    ProcessPlan,
    Server,
    ServerPlan,
    Tls,
)
from envparity.dependency.wording import known_command
from envparity.errors import LaunchError
from envparity.launch.connecting import first_byte
from envparity.model.environment import Dependency

__all__ = ["KIND", "Nats"]

_USER = "app"
_OVERSEER = "envparity"
_PORT = 4222
_FOLDER = "/etc/nats"
_FILE = "nats-server.conf"
_PROGRAM = "nats-server"


class NatsKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of a NATS server."""

    tls: Tls = "off"
    password: Password = True
    max_connections: MaxConnections | None = None
    max_payload: Annotated[int, msgspec.Meta(description="the largest message, in bytes", ge=1024, le=67_108_864)] = (
        1_048_576
    )
    jetstream: Annotated[bool, msgspec.Meta(description="true: with JetStream, whose streams end with the boot")] = (
        False
    )


class Nats(DependencyKind):
    """NATS: TLS, a password, limits of connections and messages, JetStream. It has no places to keep boots apart in."""

    keys: ClassVar[type[msgspec.Struct]] = NatsKeys
    image: ClassVar[str] = "nats"
    offers: ClassVar[tuple[str, ...]] = ("url", "host", "port", "user", "password")
    own_tls: ClassVar[bool] = True
    images: frozenset[str] = frozenset({"nats"})
    schemes: frozenset[str] = frozenset({"nats"})
    usual_port: int = _PORT
    commands: Mapping[str, str] = MappingProxyType({"PUB": "SUBJECT [PAYLOAD]", "REQ": "SUBJECT [PAYLOAD]"})

    def of_container(self, command: str, variables: Collection[str]) -> Mapping[str, object]:
        """A password and JetStream, where the command says so."""
        del variables
        words = command.split()
        return {
            "password": any(word.startswith(("--pass", "-pass", "--auth", "-auth")) for word in words),
            **({"jetstream": True} if {"-js", "--js", "-jetstream", "--jetstream"} & set(words) else {}),
        }

    def of_url(self, scheme: str, query: str, *, password: bool) -> Mapping[str, object]:
        """A password, where the URL has one."""
        del scheme, query
        return {"password": password}

    def offered(self, declared: Dependency, url: str, password: str) -> Mapping[str, str]:
        """Its user, also where that needs no password."""
        del declared, url, password
        return {"user": _USER}

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        lines = _configuration(declared, password, "/etc/envparity/tls", "/tmp/jetstream")  # noqa: S108  the container's
        files = {f"{_FOLDER}/{_FILE}": ("\n".join(lines).encode(), 0o644)}
        return ServerPlan(self.image, _PORT, {}, files, tmpfs=WRITABLE, volumes=(_FOLDER,), memory_mib=256)

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        del ca_path  # a client is told of it elsewhere: no URL of NATS can say it
        scheme = "nats" if declared.tls == "off" else "tls"
        who = f"{_USER}:{quote(server.password, safe='')}@" if declared.password else ""
        return f"{scheme}://{who}{server.host}:{server.port}"

    async def answers(self, server: Server) -> bool:
        """It speaks first, and in the clear whatever comes then: INFO, and what it can do."""
        return await first_byte(server.host, server.port, b"") == b"I"

    async def command(self, server: Server, command: tuple[str, ...]) -> object:
        """A message; with REQ its first answer."""
        name, words = known_command(self.commands, command)
        subject, payload = words[0], words[1] if len(words) > 1 else ""
        async with NatsSession.open(server, _USER) as session:
            if name == "REQ":
                return await session.request(subject, payload)
            await session.publish(subject, payload)
            return None

    async def holdings(self, server: Server, shell: OpensShell) -> Mapping[str, int]:
        """Subscriptions, streams and consumers, and what is in buckets; of a server that asks for a password."""
        del shell
        if not server.password:
            raise LaunchError("a NATS that lets everybody in has nobody who may ask for that")
        return await held_by(server, _OVERSEER)

    def lacking(self) -> str:
        return missing(_PROGRAM, "Debian's package nats-server")

    def process(self, declared: Dependency, folder: Path, port: int, password: str) -> ProcessPlan:
        lines = _configuration(declared, password, str(folder), str(folder / "jetstream"))
        argv = (program(_PROGRAM), "--addr", "127.0.0.1", "--port", str(port), "--config", str(folder / _FILE))
        return ProcessPlan(argv, {_FILE: "\n".join(lines)})


def _configuration(declared: Dependency, password: str, tls: str, store: str) -> Iterator[str]:
    """The lines of its configuration; certificate and key are in the folder `tls`."""
    yield f"max_payload: {declared.options['max_payload']}"
    if declared.max_connections is not None:
        yield f"max_connections: {declared.max_connections}"
    if declared.password:
        # Beside the backend's user, in the account that it would have alone, one who may ask what the server holds.
        yield f'authorization {{ users: [{{ user: "{_USER}", password: "{password}" }}] }}'
        yield f'accounts {{ $SYS {{ users: [{{ user: "{_OVERSEER}", password: "{password}" }}] }} }}'
    if declared.tls != "off":
        yield f'tls {{ cert_file: "{tls}/server.crt", key_file: "{tls}/server.key" }}'
    if declared.options["jetstream"]:
        yield f'jetstream {{ store_dir: "{store}", max_memory_store: 67108864, max_file_store: 67108864 }}'


KIND = Nats()
