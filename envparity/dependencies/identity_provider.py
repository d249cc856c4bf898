"""An identity provider: discovery, public keys that are rotated, a token endpoint. The server is the project's own."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec

from envparity.dependencies import identity_server
from envparity.dependency.kind import DependencyKind, Ground, Isolation, ProcessPlan, Server, ServerPlan, SigningKeys
from envparity.errors import LaunchError
from envparity.launch.connecting import first_byte
from envparity.model.environment import Dependency

__all__ = ["KIND", "IdentityProvider"]

_PORT = 8080
_FOLDER = "/srv/identity"
_PROGRAM = "identity_server.py"
_CONFIGURATION = "configuration.json"
_COMMAND_S = 5.0

_LINE = "^[^\\u0000-\\u001f\\u007f]+$"


class IdentityKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment may say of an identity provider."""

    client_id: Annotated[
        str, msgspec.Meta(description="who may ask for tokens of its own, in one line", pattern=_LINE)
    ] = "backend"
    audience: Annotated[
        str, msgspec.Meta(description="for whom such a token is, claim aud, in one line", pattern=f"^$|{_LINE}")
    ] = ""
    lifetime_s: Annotated[int, msgspec.Meta(description="seconds that such a token is good for", ge=1, le=86400)] = 300


class IdentityProvider(DependencyKind):
    """An issuer with keys of the run, which scenarios rotate; a place in it for each warm boot."""

    keys: ClassVar[type[msgspec.Struct]] = IdentityKeys
    image: ClassVar[str] = "identity-provider"
    needed_at_start: ClassVar[bool] = False
    offers: ClassVar[tuple[str, ...]] = (
        *("issuer", "jwks_url", "token_url", "discovery_url"),
        *("client_id", "client_secret", "host", "port"),
    )

    def asks_for_password(self, declared: Dependency) -> bool:
        """Of its client, and of who rotates keys."""
        del declared
        return True

    def with_keys(self, declared: Dependency, keys: SigningKeys) -> Dependency:
        signing = {"algorithm": keys.algorithm, "keys": [msgspec.to_builtins(key) for key in keys.keys]}
        return msgspec.structs.replace(declared, options={**declared.options, **signing})

    def container(self, declared: Dependency, password: str) -> ServerPlan:
        program = Path(identity_server.__file__).read_bytes()
        configuration = _configuration(declared, password).encode()
        files = {f"{_FOLDER}/{_PROGRAM}": (program, 0o644), f"{_FOLDER}/{_CONFIGURATION}": (configuration, 0o644)}
        return ServerPlan(self.image, _PORT, {}, files, volumes=(_FOLDER,), memory_mib=256)

    def lacking(self) -> str:
        """Nothing: it runs with what this runs with."""
        return ""

    def process(self, declared: Dependency, folder: Path, port: int, password: str) -> ProcessPlan:
        del folder
        program = Path(identity_server.__file__).read_text(encoding="utf-8")
        argv = (sys.executable, _PROGRAM, _CONFIGURATION, "state.json", "127.0.0.1", str(port))
        return ProcessPlan(
            argv, {_PROGRAM: program, _CONFIGURATION: _configuration(declared, password)}, as_we_are=True
        )

    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        """The issuer."""
        del declared, ca_path
        return f"http://{server.host}:{server.port}"

    def offered(self, declared: Dependency, url: str, password: str) -> Mapping[str, str]:
        return {
            "issuer": url,
            "jwks_url": url + identity_server.JWKS,
            "token_url": url + identity_server.TOKEN,
            "discovery_url": url + identity_server.DISCOVERY,
            "client_id": declared.options["client_id"],
            "client_secret": password,
        }

    async def answers(self, server: Server) -> bool:
        request = f"GET {identity_server.HEALTH} HTTP/1.0\r\n\r\n".encode()
        return await first_byte(server.host, server.port, request) == b"H"

    async def command(self, server: Server, command: tuple[str, ...]) -> object:
        return await _rotated(server, "", command)

    @asynccontextmanager
    async def isolation(
        self, ground: Ground, name: str, url: str, server: Server, lanes: int
    ) -> AsyncIterator[Isolation]:
        """A path for each boot, under which it is an issuer of its own."""
        del ground, name, url, lanes
        yield _Places(server)


class _Places:
    """Issuers by the paths of their URLs, each as new when a boot has it."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def take(self, lane: int) -> str:
        place = f"lane-{lane}"
        await _rotated(self._server, place, ("rotate", "0", "0"))
        return place

    def give_back(self, place: str) -> None:
        """Nothing: whoever has it next begins anew."""

    async def command(self, place: str, command: tuple[str, ...]) -> object:
        return await _rotated(self._server, place, command)


def _configuration(declared: Dependency, password: str) -> str:
    options = declared.options
    return json.dumps(
        {
            "keys": options.get("keys", []),
            "algorithm": options.get("algorithm", ""),
            "client_id": options["client_id"],
            "secret": password,
            "audience": options["audience"],
            "lifetime_s": options["lifetime_s"],
        }
    )


async def _rotated(server: Server, place: str, command: Sequence[str]) -> object:
    """Rotate: `rotate GENERATION FIRST` signs with the key of that generation, and publishes those from FIRST on."""
    match command:
        case ["rotate", generation, first] if generation.isdigit() and first.isdigit():
            asked = {"place": place, "generation": int(generation), "first": int(first)}
            return await asyncio.to_thread(_post, server, asked)
        case _:
            raise LaunchError("an identity provider takes: rotate GENERATION FIRST")


def _post(server: Server, asked: Mapping[str, object]) -> object:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=_COMMAND_S)
    try:
        headers = {"Authorization": f"Bearer {server.password}", "Content-Type": "application/json"}
        connection.request("POST", identity_server.ROTATE, json.dumps(asked), headers)
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise LaunchError(f"the identity provider does not answer: {error}") from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise LaunchError(f"the identity provider answers {answer.status}: {said}")
    return said


KIND = IdentityProvider()
