"""A memcached, which knows neither a password nor TLS."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar

import msgspec

from envparity.dependencies.memcached_client import held_by, run_command
from envparity.dependencies.programs import missing, program
from envparity.dependency.kind import DependencyKind, OpensShell, ProcessPlan, Server, ServerPlan
from envparity.dependency.wording import known_command
from envparity.launch.connecting import first_byte
from envparity.model.environment import Dependency

__all__ = ["KIND", "Memcached"]

_PORT = 11211
_PROGRAM = "memcached"
_OVERHEAD_MIB = 128
_MOST_MIB = 4096


class MemcachedKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of a memcached."""

    max_connections: (
        # Of as many files as this says memcached needs some for itself.
        Annotated[int, msgspec.Meta(description="how many connections the server accepts", ge=128, le=10000)] | None
    ) = None
    max_memory_mib: Annotated[
        int, msgspec.Meta(description="how much it keeps before it forgets, in MiB", ge=1, le=_MOST_MIB)
    ] = 64


class Memcached(DependencyKind):
    """memcached: limits of connections and memory. Whoever reaches it sees all of it, so boots are not kept apart."""

    keys: ClassVar[type[msgspec.Struct]] = MemcachedKeys
    image: ClassVar[str] = "memcached"
    offers: ClassVar[tuple[str, ...]] = ("url", "host", "port", "scheme")
    images: frozenset[str] = frozenset({"memcached"})
    schemes: frozenset[str] = frozenset({"memcached"})
    usual_port: int = _PORT
    commands: Mapping[str, str] = MappingProxyType(
        dict.fromkeys(("set", "add", "replace", "append", "prepend"), "KEY VALUE [SECONDS]")
        | {"get": "KEY", "delete": "KEY", "touch": "KEY SECONDS", "incr": "KEY NUMBER", "decr": "KEY NUMBER"}
        | {"flush_all": ""}
    )

    def of_container(self, command: str, variables: Collection[str]) -> Mapping[str, object]:
        """How much it keeps, where the command says so."""
        del variables
        found = re.search(r"(?:-m|--memory-limit)[ =]?(\d+)", command)
        return {"max_memory_mib": int(found[1])} if found is not None and 1 <= int(found[1]) <= _MOST_MIB else {}

    def of_url(self, scheme: str, query: str, *, password: bool) -> Mapping[str, object]:
        """Nothing: it knows neither a password nor TLS."""
        del scheme, query, password
        return {}

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        del password
        memory_mib = declared.options["max_memory_mib"] + _OVERHEAD_MIB
        return ServerPlan(self.image, _PORT, {}, command=_limits(declared), memory_mib=memory_mib)

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        del declared, ca_path
        return f"memcached://{server.host}:{server.port}"

    async def answers(self, server: Server) -> bool:
        """By its version."""
        return await first_byte(server.host, server.port, b"version\r\n") == b"V"

    async def command(self, server: Server, command: tuple[str, ...]) -> object:
        known_command(self.commands, command)
        return await run_command(server, command)

    async def holdings(self, server: Server, shell: OpensShell) -> Mapping[str, int]:
        """Items without an expiry, which stay until others need their room."""
        del shell
        return await held_by(server)

    def lacking(self) -> str:
        return missing(_PROGRAM, "Debian's package memcached")

    def process(self, declared: Dependency, folder: Path, port: int, password: str) -> ProcessPlan:
        del folder, password
        listening = ("--listen", "127.0.0.1", "--port", str(port))
        return ProcessPlan((program(_PROGRAM), *listening, *_limits(declared)))


def _limits(declared: Dependency) -> tuple[str, ...]:
    most = () if declared.max_connections is None else ("--conn-limit", str(declared.max_connections))
    return ("--memory-limit", str(declared.options["max_memory_mib"]), *most)


KIND = Memcached()
