"""What a kind of dependency is, and the door by which kinds come in: `envparity.dependencies`.

A kind says what its server's container is, when it answers, and what settings may take from it. What else it can do it
says by a capability, a protocol of this module, which is asked for and never assumed.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Final, NamedTuple

import msgspec

from envparity.dependency.capabilities import (
    Administered,
    Administrator,
    Beside,
    Ground,
    HasShell,
    HoldsKeys,
    Isolates,
    Isolation,
    KnowsCommands,
    OpensShell,
    Placed,
    RunsAsProcess,
    SaysWhatItHolds,
    Shell,
    SigningKey,
    SigningKeys,
    TakesCommands,
    Watched,
)
from envparity.dependency.server_plan import PROCESSES, WRITABLE, Built, ProcessPlan, Server, ServerPlan
from envparity.doors import Door
from envparity.doors.key_schemas import door_schema
from envparity.model.environment import Dependency, PasswordKind, TlsMode
from envparity.support.redaction import is_secret

__all__ = [
    "ANSWERS_S",
    "CA_PATH",
    "HOST_NAME",
    "KINDS",
    "PROCESSES",
    "WRITABLE",
    "Administered",
    "Administrator",
    "Beside",
    "Built",
    "DependencyKind",
    "Ground",
    "HasShell",
    "HoldsKeys",
    "Image",
    "Isolates",
    "Isolation",
    "KeyMistake",
    "KnowsCommands",
    "MaxConnections",
    "OpensShell",
    "Password",
    "Placed",
    "ProcessPlan",
    "RunsAsProcess",
    "SaysWhatItHolds",
    "Server",
    "ServerPlan",
    "Shell",
    "SigningKey",
    "SigningKeys",
    "TakesCommands",
    "Tls",
    "Watched",
    "dependency_schema",
    "image_name",
    "kind_of",
    "secret_literals",
]

CA_PATH: Final = "/etc/envparity/tls/ca.crt"
"""Where a container has the certificate of the run's authority, and what a setting says that means it."""

Tls = Annotated[
    TlsMode,
    msgspec.Meta(description="off, require (encrypted) or verify-full (encrypted, and the certificate checked)"),
]
Password = Annotated[
    PasswordKind,
    msgspec.Meta(
        description="false: the server asks for none; reserved-characters: one that must be percent-encoded in a URL"
    ),
]
MaxConnections = Annotated[int, msgspec.Meta(description="how many connections the server accepts", ge=4, le=10000)]
"""Keys that several kinds have, each for a kind that can do it."""

_LATENCY: Final[Mapping[str, object]] = {
    "description": "milliseconds added to every round trip",
    "type": "number",
    "minimum": 0,
    "maximum": 60000,
}

HOST_NAME: Final = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?"
"""A name by which code may reach a dependency, as a regular expression."""

_HOSTS: Final[Mapping[str, object]] = {
    "description": "names by which code reaches it in containers, at the port that the server itself listens on",
    "type": "array",
    "items": {"type": "string", "pattern": f"^{HOST_NAME}$"},
    "uniqueItems": True,
}

Image = str | Path | Built
"""Where a server's image comes from: a reference that the engine has, a folder with a Dockerfile, or files to build."""

ANSWERS_S: Final = 15.0
"""How long a server may take until it answers, where its kind does not say otherwise."""


class KeyMistake(NamedTuple):
    """One thing wrong in a dependency's table: the key below it, what was expected, what stands there, what to do."""

    key: tuple[str | int, ...]
    expected: str
    got: str
    action: str = ""


class DependencyKind(ABC):
    """One kind of dependency: what is known of it without any of its capabilities.

    `keys` are those of [dependencies.NAME] beside what all have, each with its description: `tls`, `password` and
    `max_connections` where it can have them, and keys of its own, which are found in `Dependency.options`.
    `image` is a reference that the container engine has, or a folder that holds a Dockerfile; of envparity's own kinds
    the name of a folder of `docker/`. Where it is not `needed_at_start`, a backend may start without its server, which
    many ask only when they have a question.
    """

    keys: ClassVar[type[msgspec.Struct]]
    image: ClassVar[str | Path]
    needed_at_start: ClassVar[bool] = True
    offers: ClassVar[tuple[str, ...]] = ("url", "host", "port", "password", "scheme")
    """What settings may take: of these, and of `user` and `database`, the last three are read from the URL."""
    paths: ClassVar[tuple[str, ...]] = ()
    """Which of its keys name files or folders, each by itself or in a table: relative to the file that says them."""
    own_tls: ClassVar[bool] = False
    """Whether a process of it speaks TLS itself: it finds server.crt, server.key and ca.crt in its folder."""

    def mistakes(self, table: Mapping[str, object], folder: Path) -> Iterator[KeyMistake]:
        """What no schema can say of a table of this kind, which stands in a file of that folder.

        The table may be wrong in any way: what the schema says is passed over.
        """
        del table, folder
        return iter(())

    def read(self, options: dict[str, object], folder: Path) -> dict[str, object]:
        """The keys of its own as they are kept: plain data, with what is named relative to that folder found there."""
        del folder
        return options

    def offers_of(self, table: Mapping[str, object]) -> tuple[str, ...]:
        """What settings may take from one whose table that is, which may be wrong in any way."""
        del table
        return self.offers

    def image_of(self, declared: Dependency) -> Image:
        """The image of one: a reference, a folder with a Dockerfile, or what one is built from."""
        del declared
        return self.image

    def patience_s(self, declared: Dependency) -> float:
        """How long one may take until it answers, in seconds."""
        del declared
        return ANSWERS_S

    def kept_together(self, declared: Dependency) -> str:
        """Why boots cannot be kept apart in that one, though its kind could, in words; "" where they can be."""
        del declared
        return ""

    def lacks(self, declared: Dependency) -> str:
        """What that one takes as a process that this machine or its table has not, in words; "" where all is there."""
        del declared
        return ""

    def not_as_process(self, declared: Dependency) -> Iterator[str]:
        """What of that one a process of this machine cannot show, in words."""
        del declared
        return iter(())

    def most_clients(self, declared: Dependency) -> int | None:
        """How many connections of backends one takes at the same time; None where nobody says."""
        return declared.max_connections

    def asks_for_password(self, declared: Dependency) -> bool:
        """Whether the server wants one of its clients."""
        return bool(declared.password)

    @abstractmethod
    def container(self, declared: Dependency, password: str) -> ServerPlan:
        """The container as the environment wants it; the files that TLS needs are put into it beside that."""

    @abstractmethod
    def url(self, declared: Dependency, server: Server, ca_path: str) -> str:
        """What a client is told to connect to; `ca_path` is where it finds the authority's certificate."""

    def offered(self, declared: Dependency, url: str, password: str) -> Mapping[str, str]:
        """What settings may take of `offers` beside its URL, host, port and password, by what is told to connect to."""
        del declared, url, password
        return {}

    @abstractmethod
    async def answers(self, server: Server) -> bool:
        """Whether a server of this kind speaks its protocol there. One try; never longer than a second."""


def _kind(found: object) -> DependencyKind | None:
    return found if isinstance(found, DependencyKind) else None


KINDS: Final[Door[DependencyKind]] = Door("envparity.dependencies", "a DependencyKind", _kind)


def kind_of(declared: Dependency) -> DependencyKind:
    """The kind of that dependency. Raises `DoorFailed`."""
    return KINDS.get(declared.kind)


def secret_literals(name: str, declared: Dependency) -> Iterator[tuple[str, str]]:
    """The secrets that stand in that dependency's tables, with what is shown for each."""
    for table in declared.options.values():
        for key, value in table.items() if isinstance(table, dict) else ():
            if isinstance(value, str) and "{" not in value and is_secret(key, value):
                yield value, f"{{{name}.{key}}}"


def image_name(declared: Dependency) -> str:
    """The name by which a launcher knows the image of that dependency. Raises `DoorFailed`."""
    kind = kind_of(declared)
    with KINDS.guarding(kind):
        image = kind.image_of(declared)
    if image == kind.image:
        return declared.kind
    told = hashlib.sha256(repr(image).encode()).hexdigest()[:8] if isinstance(image, Built) else str(image)
    return f"{declared.kind} {told}"


def dependency_schema(named: object = None) -> dict[str, object]:
    """What a dependency's table may hold: by each of the kinds `named` in a file, or by each of envparity's own.

    Raises `DoorFailed`.
    """
    asked = None
    if named is not None:
        tables = named.values() if isinstance(named, dict) else ()
        asked = {table["kind"] for table in tables if isinstance(table, dict) and isinstance(table.get("kind"), str)}
    return door_schema(
        KINDS,
        "kind",
        "a server that the backend needs",
        asked,
        lambda kind: kind.keys,
        named="which kind of server",
        common={"latency_ms": _LATENCY, "hosts": _HOSTS},
        required=["kind"],
    )
