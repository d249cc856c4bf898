"""What a shell does in a container before it becomes the backend: it takes the secrets, and waits for the others.

Secrets come from a file that the engine mounts, so that whoever inspects the container does not see them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from docker.errors import APIError
from docker.models.containers import Container
from docker.types import Mount

from envparity.errors import DeadlineExceeded
from envparity.launch.container.engine import Engine
from envparity.launch.container.looks import Looks
from envparity.launch.engine_stream import archive_of

__all__ = ["ContainerStartGate", "can_be_exported", "image_argv", "ungated"]

_SHELL = "/bin/sh"
_INSIDE = "/etc/envparity/start"
# A reader of a FIFO waits until its last writer closes it. One that is gone holds nobody: a restart goes straight on.
# The shell leaves no variable of its own behind.
_SCRIPT = '[ -p "$1" ] && read -r go < "$1"; unset go PWD OLDPWD SHLVL; [ -r "$2" ] && . "$2"; shift 2; exec "$@"'
_HELD_WITH = 6  # words before the backend's own
_SECRETS = "secrets"
_LONGEST_SHELL = 1 << 20  # more of it is not read: that it is there is enough
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
EMPTY: Mapping[str, str] = MappingProxyType({})
_THERE_S = 30.0
_EVERY_S = 0.002
_PERIOD_S = 0.1  # of a container's share of a processor (cpu.max, cgroup v2): what coming here has cost is back then


def image_argv(engine: Engine, image: str, command: Sequence[str], labels: Mapping[str, str]) -> list[str] | None:
    """What a container of that image runs, `command` in place of the image's own; None where it has no shell."""
    made = engine.client.api.create_container(image, entrypoint=[_SHELL], labels=dict(labels))["Id"]
    try:
        if archive_of(engine.client, made, _SHELL, _LONGEST_SHELL) is None:
            return None
    finally:
        with contextlib.suppress(APIError):
            engine.client.api.remove_container(made, force=True)
    config = engine.client.images.get(image).attrs["Config"]
    return [*(config.get("Entrypoint") or ()), *(command or config.get("Cmd") or ())]


def ungated(argv: Sequence[str]) -> list[str]:
    """What a container runs, without what it waits with."""
    return list(argv[_HELD_WITH:]) if list(argv[:3]) == [_SHELL, "-c", _SCRIPT] else list(argv)


def can_be_exported(name: str) -> bool:
    """Whether a shell can give a variable of that name on."""
    return _VARIABLE.fullmatch(name) is not None


class ContainerStartGate:
    """Holds `count` containers, each at a FIFO of its own, in a folder made in `folder`; one alone is not held.

    That folder stays as long as the containers, for the engine mounts it again at a restart, and with it the `secrets`
    that they are given as variables; `close` lets all go, `remove` empties it.
    """

    def __init__(
        self, engine: Engine, folder: Path, count: int, argv: Sequence[str], secrets: Mapping[str, str] = EMPTY
    ) -> None:
        self._engine, self._argv = engine, list(argv)
        self._folder = Path(tempfile.mkdtemp(prefix="start-", dir=folder))
        self._folder.chmod(0o755)  # for the backend's user
        self._secrets = self._folder / _SECRETS
        if secrets:
            given = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in secrets.items())
            self._secrets.write_bytes(given.encode(errors="surrogateescape"))
            self._secrets.chmod(0o644)  # for the backend's user; nobody else enters the folder around it
        self._fifos = [self._folder / str(index) for index in range(count)] if count > 1 else []
        for fifo in self._fifos:
            os.mkfifo(fifo, 0o644)
            fifo.chmod(0o644)
        self._open: list[int] = []
        self._come = 0
        self._opened = asyncio.Event()

    def options(self) -> dict[str, object]:
        """What the engine is told of each container, beside its command."""
        return {"entrypoint": [_SHELL], "mounts": [Mount(_INSIDE, str(self._folder), type="bind", read_only=True)]}

    def command(self, index: int) -> tuple[str, ...]:
        """Its command: to wait, to take its secrets, and then what it was made for."""
        return ("-c", _SCRIPT, "sh", f"{_INSIDE}/{index}", f"{_INSIDE}/{_SECRETS}", *self._argv)

    async def passed(self, index: int, container: Container) -> None:
        """That container was started: wait until all are there, or have ended, and each has its share, and let go.

        Raises `DeadlineExceeded` where one neither comes nor ends.
        """
        if not self._fifos:
            return
        await self._until_there(index, container)
        self._come += 1
        if self._come < len(self._fifos):
            await self._opened.wait()  # each has the deadline of its own coming, and who does not come opens it
        else:
            await asyncio.sleep(_PERIOD_S)
            self.close()

    @contextlib.contextmanager
    def open_without(self) -> Iterator[None]:
        """Let all others go where one is not started: they would wait for it for ever."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let all go: what is read at the FIFOs ends in the same moment."""
        for writer in self._open:
            os.close(writer)
        self._open.clear()
        for fifo in self._fifos:
            fifo.unlink(missing_ok=True)
        self._opened.set()

    def remove(self) -> None:
        """Let all go, and leave no secret behind."""
        self.close()
        self._secrets.unlink(missing_ok=True)

    async def _until_there(self, index: int, container: Container) -> None:
        """Until it reads its FIFO, which a writer that does not wait is told (fifo(7): ENXIO until then)."""
        began, looks = time.monotonic(), Looks()
        while not self._opened.is_set():
            with contextlib.suppress(OSError):
                self._open.append(os.open(self._fifos[index], os.O_WRONLY | os.O_NONBLOCK))
                return
            if looks.due:
                await self._engine.call("the replica's state", container.reload)
                if container.status != "running":
                    return
            if time.monotonic() - began > _THERE_S:
                raise DeadlineExceeded(f"replica {index} to be there", _THERE_S)
            await asyncio.sleep(_EVERY_S)
