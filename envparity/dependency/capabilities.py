"""What a kind of dependency can do beside what all can: protocols, which are asked for and never assumed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from envparity.dependency.server_plan import ProcessPlan, Server
from envparity.model.environment import Dependency, Setting

__all__ = [
    "Administered",
    "Administrator",
    "Beside",
    "Ground",
    "HasShell",
    "HoldsKeys",
    "IsRecognised",
    "Isolates",
    "Isolation",
    "KnowsCommands",
    "ListensUsually",
    "OpensShell",
    "Placed",
    "RunsAsProcess",
    "SaysWhatItHolds",
    "Shell",
    "SigningKey",
    "SigningKeys",
    "TakesCommands",
    "Watched",
]


@runtime_checkable
class RunsAsProcess(Protocol):
    """A kind whose servers can be processes of this machine, without TLS: SIGTERM stops one in order."""

    def lacking(self) -> str:
        """What this machine has not that it takes, in words; "" where it has all."""
        ...

    def process(self, declared: Dependency, folder: Path, port: int, password: str) -> ProcessPlan:
        """The process that listens on that port of 127.0.0.1, and writes into that folder alone."""
        ...


@runtime_checkable
class IsRecognised(Protocol):
    """A kind whose servers are known where other files name one: by its image, or by the scheme of a URL.

    `images` are names of images without registry and tag, `schemes` those of URLs without what stands behind a `+`.
    """

    images: frozenset[str]
    schemes: frozenset[str]

    def of_container(self, command: str, variables: Collection[str]) -> Mapping[str, object]:
        """The keys of [dependencies.NAME] for a container with that command and variables of these names."""
        ...

    def of_url(self, scheme: str, query: str, *, password: bool) -> Mapping[str, object]:
        """The same for a server that clients know by such a URL, with a password in it or not."""
        ...


@runtime_checkable
class ListensUsually(Protocol):
    """A kind that is known by a port too, where files name a server by its host alone."""

    usual_port: int


@runtime_checkable
class TakesCommands(Protocol):
    """A kind whose servers take commands from outside: to revoke a token, for one, or as a step of a scenario."""

    async def command(self, server: Server, command: tuple[str, ...]) -> object:
        """Have one command done; gives the answer. Raises `LaunchError` where it is refused."""
        ...


@runtime_checkable
class KnowsCommands(Protocol):
    """A kind that takes commands, and few of them, so that a wrong one is told before anything boots.

    `commands` are their names with what follows each, optional words in brackets: `{"PUB": "SUBJECT [PAYLOAD]"}`.
    """

    commands: Mapping[str, str]


class Beside(Protocol):
    """What can be asked of a server that has been started. `port` is the one that it listens on itself."""

    @property
    def port(self) -> int: ...

    async def listens(self) -> bool:
        """Whether somebody listens on its port, whatever stands in front of that."""
        ...

    async def log(self) -> str:
        """What it has written since it was started last."""
        ...

    async def run(self, command: tuple[str, ...]) -> bool:
        """Run that in its container, or beside its process: whether it ends with status 0 within some seconds."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A kind whose servers say in ways of their own when they are ready: by their log, by a command."""

    async def ready(self, declared: Dependency, server: Server, beside: Beside) -> bool:
        """Whether one is, now. One try; never longer than some seconds."""
        ...


@runtime_checkable
class Placed(Protocol):
    """A kind whose servers are told where they are reached, and what settings may take from elsewhere."""

    def settings(self, declared: Dependency) -> Mapping[str, Setting]:
        """Those of one, as an environment's own: what they take from other dependencies is started before it."""
        ...

    def placed(self, declared: Dependency, reached: Server, values: Mapping[str, str]) -> Dependency:
        """The same, told where the backend reaches it, and the value of each of its settings."""
        ...


class SigningKey(msgspec.Struct, frozen=True):
    """A key pair: what tokens call it, the private half in PEM, the public half as a JWK (RFC 7517 §4)."""

    kid: str
    pem: str
    jwk: dict[str, object]

    def __repr__(self) -> str:
        return f"SigningKey({self.kid!r})"


@dataclass(frozen=True)
class SigningKeys:
    """The key pairs that one server signs with, one for each generation, and how (RFC 7518 §3.1)."""

    algorithm: str
    keys: tuple[SigningKey, ...]


@runtime_checkable
class HoldsKeys(Protocol):
    """A kind whose servers sign with keys of the run: the command `rotate GENERATION FIRST` brings up another one."""

    def with_keys(self, declared: Dependency, keys: SigningKeys) -> Dependency:
        """That dependency, as it is started with these."""
        ...


class Administrator(Protocol):
    """A session with a server as who may do everything in it."""

    async def run(self, *statements: str) -> None:
        """Have them done, one after the other. Raises `LaunchError` with what is said against one."""
        ...


class Shell(Protocol):
    """A program beside a server, which takes scripts one after the other."""

    async def ask(self, script: str, done: str) -> str:
        """Hand it that script; what it prints, on both outputs, until it prints `done`, without that."""
        ...


OpensShell = Callable[[], AbstractAsyncContextManager[Shell]]
"""Starts the program beside a server by which it is administered (`Administered.shell`)."""


@runtime_checkable
class HasShell(Protocol):
    """A kind with a program beside its servers that takes scripts: in the server's container, or as whoever runs it."""

    shell: tuple[str, ...]


@runtime_checkable
class SaysWhatItHolds(Protocol):
    """A kind whose servers say what backends have put into them that does not end by itself."""

    async def holdings(self, server: Server, shell: OpensShell) -> Mapping[str, int]:
        """How much of each sort there is, by a name that holds for all of the sort and has no value of anybody in it:
        a table, `seen:*`. What ends by itself is not counted. Raises `LaunchError` where it cannot be asked.
        """
        ...


@runtime_checkable
class Administered(Protocol):
    """A kind whose servers have an administrator: by a program in the server's container, or beside its process."""

    shell: tuple[str, ...]

    def administrator(self, shell: Shell) -> Administrator:
        """The session of that program."""
        ...


class Ground(Protocol):
    """What a kind finds where warm boots are to be kept apart."""

    @property
    def memory_folder(self) -> str:
        """One that servers may make folders in, where that is quick."""
        ...

    def administrator(self, name: str) -> AbstractAsyncContextManager[Administrator]:
        """A session with that dependency's server. Raises `WarmUnavailable` where there can be none."""
        ...


class Isolation(Protocol):
    """What keeps boots apart that share a server: each has a place in it, which is the path of its URL."""

    async def take(self, lane: int) -> str:
        """An empty place, for the boot in that lane, counted from 0."""
        ...

    def give_back(self, place: str) -> None:
        """That boot is over."""
        ...

    async def command(self, place: str, command: tuple[str, ...]) -> object:
        """One command in that place, and its answer. Raises `LaunchError` where it is refused."""
        ...


@runtime_checkable
class Isolates(Protocol):
    """A kind whose servers can hold several boots at the same time that do not see each other.

    What cannot is booted cold: nothing is shared between boots in silence.
    """

    def isolation(
        self, ground: Ground, name: str, url: str, server: Server, lanes: int
    ) -> AbstractAsyncContextManager[Isolation]:
        """The isolation of that dependency, whose URL a setting takes, for that many boots at a time.

        Raises `WarmUnavailable` where there is none.
        """
        ...
