"""Servers as processes of this machine: folders, commands, when they are ready.

Nothing here needs an event loop: whoever starts a server polls `ready`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypedDict, Unpack, runtime_checkable

from envparity.dependency.kind import KINDS, HasShell, RunsAsProcess, kind_of
from envparity.errors import LaunchError
from envparity.launch.certificates import IssuedCertificate
from envparity.launch.cleanup.cleaning import note_signal
from envparity.launch.process.child import Child, Program
from envparity.launch.process.control_group import ControlGroup
from envparity.launch.process.guarding import Guard
from envparity.launch.process.held_port import HeldPort
from envparity.launch.process.limits import program_path, user_of, why_not_as
from envparity.launch.process.programs import ServerPrograms
from envparity.model.environment import Dependency, Platform

__all__ = ["HasServer", "PlannedServer", "ProcessServer", "ServerParts"]

_STOP_S = 5.0


class ServerParts(TypedDict):
    """What every `ProcessServer` is made of."""

    programs: ServerPrograms
    folder: Path
    password: str
    guard: Guard | None
    socket_only: bool
    environment: dict[str, str]
    group: ControlGroup | None


@dataclass
class ProcessServer(ABC):
    """A server in the folder `folder`, which is made. `socket_only`: it can be reached by its Unix socket alone.

    `password` "" means that there is none. `environment` is that of its process.
    """

    programs: ServerPrograms
    folder: Path
    password: str = field(repr=False)
    guard: Guard | None = None
    socket_only: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    group: ControlGroup | None = None
    held: HeldPort = field(init=False)
    child: Child = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700)
        if self.programs.user is not None:
            os.chown(self.folder, self.programs.user, self.programs.user)
        self.held = HeldPort()
        self.child = Child(self._program(), self.guard)

    @property
    def port(self) -> int:
        """Of 127.0.0.1."""
        return self.held.number

    @property
    @abstractmethod
    def socket(self) -> Path:
        """Its Unix socket."""

    @property
    @abstractmethod
    def ready(self) -> bool:
        """Whether it takes commands now. Raises `LaunchError` where it has ended."""

    @abstractmethod
    def _program(self) -> Program: ...

    @abstractmethod
    def prepare(self) -> None:
        """What is done once, when it is ready for the first time."""

    def shell(self) -> list[str]:
        """What talks to it as its administrator. Raises `LaunchError` where it has none."""
        raise LaunchError(f"{Path(self.child.program.argv[0]).name} has no administrator's program")

    def take_certificate(self, issued: IssuedCertificate, authority: bytes) -> None:
        """Put its certificate, its key and that of the authority where it finds them."""
        files = {"server.crt": issued.certificate_pem, "server.key": issued.key_pem, "ca.crt": authority}
        for name, content in files.items():
            self._put(name, content, self.child.program.user)

    def _put(self, name: str, content: bytes, user: int | None) -> None:
        """A file in its folder, for that user alone."""
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_bytes(content)
        if user is not None:
            os.chown(file, user, user)

    def start(self) -> None:
        """Start it, with the data that it had."""
        self.child.start()

    async def stop(self) -> None:
        """Stop it in order, so that its data is whole."""
        await self.child.stop(signal.SIGINT, _STOP_S)

    async def end(self) -> None:
        """Stop it for good, as quickly as nothing of it is left."""
        await self.child.stop(self.child.program.first, _STOP_S)
        self.held.release()

    def stop_now(self) -> None:
        """As `stop`, where there is no event loop."""
        self.child.stop_now(signal.SIGINT, _STOP_S)

    def _started_program(self, argv: list[str], first: signal.Signals) -> Program:
        environment = {"PATH": os.defpath, "LC_ALL": "C", **self.environment}
        log = self.folder.with_name(f"{self.folder.name}.log")
        user = self.programs.user
        if first is not signal.SIGTERM:
            note_signal(self.folder, first)
        return Program(argv, environment, self.folder, log, user, None, first, self.group, confined=user is not None)

    def _still_there(self) -> None:
        if self.child.exit_code is not None:
            name = Path(self.child.program.argv[0]).name
            raise LaunchError(f"{name} has ended with status {self.child.exit_code}: {self.child.log_tail(10)}")


@runtime_checkable
class HasServer(Protocol):
    """A kind of dependency that has a server of its own here, which can have TLS in front of it."""

    def lacking(self) -> str:
        """What this machine has not that it takes, in words; "" where it has all."""
        ...

    def server(self, declared: Dependency, **given: Unpack[ServerParts]) -> ProcessServer:
        """The server; what is given is for `ProcessServer`."""
        ...

    def front(
        self, server: ProcessServer, tls: ssl.SSLContext, host: str
    ) -> AbstractAsyncContextManager[tuple[str, int]]:
        """The address at which TLS is spoken in front of it."""
        ...


@dataclass(kw_only=True)
class PlannedServer(ProcessServer):
    """A server of a kind that says itself what its process is."""

    declared: Dependency

    @property
    def socket(self) -> Path:
        raise LaunchError(f"a {self.declared.kind} of this machine has no Unix socket, and so no TLS in front of it")

    @property
    def ready(self) -> bool:
        """By its port, at which somebody listens. Whether that is all, its kind is asked afterwards."""
        self._still_there()
        with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as asking:
            asking.settimeout(1.0)
            return asking.connect_ex(("127.0.0.1", self.port)) == 0

    def prepare(self) -> None:
        """Nothing: what it needs stood in its plan."""

    def _user_of(self, argv: tuple[str, ...], code: Path | None) -> int | None:
        """As whom it runs (None: as we are): who runs servers, or whoever owns its code, where they may run it."""
        if code is not None:
            return user_of(Platform(), argv, code)
        user = self.programs.user
        return user if user is None or not why_not_as(user, argv, Path("/")) else None

    def shell(self) -> list[str]:
        kind = kind_of(self.declared)
        return list(kind.shell) if isinstance(kind, HasShell) else super().shell()

    async def stop(self) -> None:
        """As its program is ended in order."""
        await self.child.stop(self.child.program.first, _STOP_S)

    def _program(self) -> Program:
        kind = kind_of(self.declared)
        if not isinstance(kind, RunsAsProcess):
            raise LaunchError(f"a {self.declared.kind} cannot be run as a process of this machine")
        with KINDS.guarding(kind):
            plan = kind.process(self.declared, self.folder, self.port, self.password)
        program, *arguments = plan.argv
        found = shutil.which(program, path=program_path())
        if found is None:
            raise LaunchError(f"{program!r} is not on this machine")
        argv = [found, *arguments]
        user = None if plan.as_we_are else self._user_of(tuple(argv), plan.code)
        if os.geteuid() == 0:
            owner = 0 if user is None else user
            os.chown(self.folder, owner, owner)
        for name, text in plan.files.items():
            self._put(name, text.encode(), user)
        made = self._started_program(argv, signal.SIGTERM)
        own = {"PATH": program_path(), "HOME": str(self.folder), "TMPDIR": str(self.folder), "PYTHONUNBUFFERED": "1"}
        return replace(
            made,
            environment={**made.environment, **own, **plan.variables},
            folder=plan.code or made.folder,
            user=user,
            confined=os.geteuid() == 0,
        )
