"""Without an engine: servers, replicas and ingress as processes of this machine."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from envparity.backend import Backend, ProcessSource
from envparity.case import Case
from envparity.environment import Environment
from envparity.launch.certificates import CertificateAuthority
from envparity.launch.container.image_context import choose_files
from envparity.launch.leftovers import MEMORY
from envparity.launch.owner import OWNER_FILE, this_owner
from envparity.launch.port import Stack, Waiting, WarmBoots, WarmUnavailable
from envparity.launch.process.booting import Means, ProcessBooting
from envparity.launch.process.guarding import Guard
from envparity.launch.process.limits import Processors, backend_argv, cannot_check
from envparity.launch.process.programs import ServerPrograms
from envparity.launch.process.settled import settled
from envparity.launch.process.stack import ProcessStack
from envparity.launch.resolve import RunSecrets
from envparity.launch.warm.pool import WarmPool

__all__ = ["ProcessLauncher"]

_ROOM_BYTES = 512 << 20  # some dozens of clusters
_LONG = 40  # of the 103 bytes that the path of a Unix socket may have


class ProcessLauncher:
    """Boots cases as processes. `source` is the backend's own; `reason` why these and not containers, if they were not
    asked for. Everything that it makes carries `run_id`. Raises `LaunchError` where the backend's program is not here.
    """

    name = "process"

    def __init__(
        self,
        backend: Backend,
        source: ProcessSource,
        environments: Mapping[str, Environment],
        run_id: str,
        reason: str = "",
    ) -> None:
        self.reason = reason
        argv = backend_argv(source)
        self.cannot_check = cannot_check(source, environments.values())
        self._run_id = run_id
        self._numbers = itertools.count(1)
        self._guard = Guard(run_id)
        self._folders: list[Path] = []
        try:
            folder = self._made(None)
            memory = self._made(memory_folder())
            authority = CertificateAuthority()
            ca_file = folder / "ca.crt"
            ca_file.write_bytes(authority.certificate_pem)
            ca_file.chmod(0o644)
            self._means = Means(
                backend=backend,
                environments=environments,
                run_id=run_id,
                secrets=RunSecrets(),
                authority=authority,
                ca_file=ca_file,
                folder=folder,
                memory=memory,
                code=_copied(source, folder / "code") if source.include else source.folder,
                argv=argv,
                variables=source.variables,
                programs=ServerPrograms(folder),
                processors=Processors(),
                guard=self._guard,
            )
        except BaseException:
            self._remove_everything()
            raise

    @property
    def run_id(self) -> str:
        return self._run_id

    def boot(
        self, case: Case, waiting: Waiting, environment: Environment | None = None
    ) -> AbstractAsyncContextManager[Stack]:
        return self._boot(case, waiting, environment)

    def warm(self, stack: Stack, lanes: int) -> AbstractAsyncContextManager[WarmBoots]:
        if not isinstance(stack, ProcessStack):
            raise WarmUnavailable(f"{stack.case} is no stack of processes")
        return WarmPool.open(stack, lanes)

    async def close(self) -> None:
        """Nothing of this run is left afterwards."""
        await asyncio.shield(settled(self._remove_everything))

    @asynccontextmanager
    async def _boot(self, case: Case, waiting: Waiting, environment: Environment | None) -> AsyncIterator[Stack]:
        means = self._means
        if environment is not None:
            means = replace(means, environments={**means.environments, environment.name: environment})
        booting = ProcessBooting(means, case, waiting, next(self._numbers))
        async with AsyncExitStack() as exits:
            yield await booting.boot(exits)

    def _made(self, place: Path | None) -> Path:
        """A folder of this run, through which the users of servers and replicas may pass."""
        folder = Path(tempfile.mkdtemp(prefix=f"envparity-{self._run_id}-", dir=place))
        self._folders.append(folder)
        self._guard.folder(folder)
        (folder / OWNER_FILE).write_text(this_owner(), encoding="utf-8")
        folder.chmod(0o711)
        return folder

    def _remove_everything(self) -> None:
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._guard.close()


def memory_folder() -> Path | None:
    """Where what need not last is quickest to write: in memory, where there is room; None: among temporary files."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= _ROOM_BYTES:
        return MEMORY
    return Path("/tmp") if len(tempfile.gettempdir()) > _LONG else None  # noqa: S108  mkdtemp's folder is its owner's


def _copied(source: ProcessSource, folder: Path) -> Path:
    """A copy of what the backend's file includes, for anybody to read."""
    for file in choose_files(source.folder, source.include):
        copy = folder / file.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.source, copy)
        copy.chmod(file.mode)
    folder.mkdir(exist_ok=True)
    for made in (folder, *(one for one in folder.rglob("*") if one.is_dir())):
        made.chmod(0o755)
    return folder
