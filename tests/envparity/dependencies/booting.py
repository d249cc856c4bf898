"""Boots one dependency beside a backend that does nothing, by either launcher, as an environment file says it."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from envparity.config.environment import load_environments
from envparity.dependency.kind import Beside, Server, kind_of
from envparity.launch.choose import choose_launcher
from envparity.launch.local.parts import answers
from envparity.launch.local.stack import LocalStack
from envparity.model.backend import Backend, HealthPaths, ImageSource, ProcessSource
from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.model.project import Project

__all__ = ["booted", "environment", "reached", "reaches"]

IDLE = ("sleep", "600")
_KEPT_S = 1.0  # the proxy of a server that is not up lets go of who connects long before
Stack = LocalStack


def environment(folder: Path, text: str) -> Environment:
    """The environment of that file, which is called `local`."""
    file = folder / "local.toml"
    file.write_text('name = "local"\n' + textwrap.dedent(text), encoding="utf-8")
    return load_environments([file])["local"]


@asynccontextmanager
async def booted(
    launcher: str,
    stands: Environment,
    folder: Path,
    boot: Boot = Boot(),  # noqa: B008  frozen
) -> AsyncIterator[Stack]:
    """The stack of that environment; everything of it is gone when this is left."""
    backend = Backend(
        "idle",
        folder / "backend.toml",
        ImageSource(name="debian:bookworm-slim"),
        ProcessSource(IDLE, folder),
        command=IDLE,
        health=HealthPaths(None, None, None, None),
    )
    chosen = await asyncio.to_thread(
        choose_launcher, launcher, Project(backend, {stands.name: stands}), lambda _what: None
    )
    try:
        async with chosen.boot(stands, boot, lambda _what: None) as stack:
            assert isinstance(stack, LocalStack)
            yield stack
    finally:
        await chosen.close()


def reached(stack: Stack, name: str) -> Server:
    """The server as the backend reaches it, through its proxy."""
    dependency = stack.dependencies[name]
    tls = stack.given.dependency_tls.get(name)
    return Server(stack.given.place.proxy_host, dependency.proxy.port, dependency.password, tls)


async def reaches(stack: Stack, name: str, beside: Beside | None = None) -> bool:
    """Whether that dependency answers where the backend reaches it, by its own protocol where its kind knows one."""
    declared, server = stack.environment.dependencies[name], reached(stack, name)
    return await answers(declared, server, beside or ByConnecting(server))


class ByConnecting:
    """Asks a server that is reached through a proxy: by whether that gives a connection that is kept."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @property
    def port(self) -> int:
        return self._server.port

    async def listens(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(self._server.host, self._server.port)
        except OSError:
            return False
        try:
            async with asyncio.timeout(_KEPT_S):
                return bool(await reader.read(1))
        except TimeoutError:
            return True
        except OSError:
            return False
        finally:
            writer.close()

    async def log(self) -> str:
        return ""

    async def run(self, command: tuple[str, ...]) -> bool:
        del command
        return False


def kind_says(stands: Environment, name: str) -> Any:
    """The kind of that dependency."""
    return kind_of(stands.dependencies[name])
