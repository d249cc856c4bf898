"""Without an engine: servers, replicas and ingress as processes of this machine."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from envparity.launch.certificates import CertificateAuthority
from envparity.launch.cleanup.cleaning import remove_tree
from envparity.launch.cleanup.leftovers import GROUP_FILE
from envparity.launch.cleanup.orphans import Orphans
from envparity.launch.cleanup.run_folder import MEMORY, RunFolder
from envparity.launch.images.context import choose_files
from envparity.launch.port import Stack, Waiting
from envparity.launch.process.control_group import ControlGroup, made_group
from envparity.launch.process.guarding import Guard
from envparity.launch.process.limits import Processors, backend_argv, cannot_check
from envparity.launch.process.previous import previous_folder
from envparity.launch.process.programs import ServerPrograms
from envparity.launch.process.resources import ProcessResources
from envparity.launch.process.settled import settled
from envparity.launch.process.stack_builder import ProcessStackBuilder
from envparity.launch.resolve import RunSecrets
from envparity.model.backend import Backend, ProcessSource
from envparity.model.case import Boot
from envparity.model.environment import Environment
from envparity.observe.image import ImageRecord
from envparity.support.redaction.raising import raised_without_secrets
from envparity.support.shielded import shielded

__all__ = ["ProcessLauncher"]

_ROOM_BYTES = 512 << 20  # some dozens of clusters
_LONG = 40  # of the 103 bytes that the path of a Unix socket may have


class ProcessLauncher:
    """Boots cases as processes. `source` is the backend's own; `reason` why these and not containers, if they were not
    asked for. Everything that it makes carries `run_id`. Raises `LaunchError` where the backend's program is not here.
    """

    name = "process"
    images: tuple[ImageRecord, ...] = ()

    def __init__(
        self,
        backend: Backend,
        source: ProcessSource,
        environments: Mapping[str, Environment],
        run_id: str,
        reason: str = "",
        *,
        salt: bytes | None = None,
    ) -> None:
        self.reason = reason
        argv = backend_argv(source)
        self.cannot_check = cannot_check(source, environments.values())
        self._run_id = run_id
        self._numbers = itertools.count(1)
        self._folders: list[RunFolder] = []
        self._group: ControlGroup | None = None
        self._guard: Guard | None = None
        self._orphans: Orphans | None = None
        try:
            for place in (None, memory_folder()):  # one that cannot be made leaves none behind that was
                self._folders.append(RunFolder.make(run_id, place))
            folder, memory = (each_folder.path for each_folder in self._folders)
            self._group = _noted_group(folder)
            self._guard = Guard(run_id, self._folders, None if self._group is None else self._group.folder)
            if self._group is None and (orphans := Orphans.adopting()) is not None:
                self._orphans = orphans
                self._guard.adopts(os.getpid(), orphans.begun)
            authority = CertificateAuthority()
            ca_file = folder / "ca.crt"
            ca_file.write_bytes(authority.certificate_pem)
            ca_file.chmod(0o644)
            self._means = ProcessResources(
                backend=backend,
                run_id=run_id,
                secrets=RunSecrets(salt),
                authority=authority,
                ca_file=ca_file,
                folder=folder,
                memory=memory,
                code=_copied(source, folder / "code") if source.include else source.folder,
                previous=_previous(backend, source, folder),
                source=source,
                argv=argv,
                variables=source.variables,
                programs=ServerPrograms(folder),
                processors=Processors(),
                guard=self._guard,
                group=self._group,
            )
        except BaseException:
            self._remove_everything()
            raise

    @property
    def run_id(self) -> str:
        return self._run_id

    @asynccontextmanager
    async def boot(self, environment: Environment, boot: Boot, waiting: Waiting) -> AsyncIterator[Stack]:
        booting = ProcessStackBuilder(self._means, environment, boot, waiting, next(self._numbers))
        with raised_without_secrets(lambda: booting.redaction):
            async with AsyncExitStack() as exits:
                yield await booting.boot(exits)

    async def close(self) -> None:
        """Nothing of this run is left afterwards."""
        await shielded(settled(self._remove_everything))

    def _remove_everything(self) -> None:
        if self._orphans is not None and self._guard is not None:
            self._orphans.end({self._guard.pid})
            self._orphans = None
        for folder in self._folders:
            remove_tree(folder.path)
        if self._guard is not None:
            self._guard.close()
        if self._group is not None:
            self._group.end()
        for folder in self._folders:
            folder.close()


def _noted_group(folder: Path) -> ControlGroup | None:
    """The control group of the run with that folder, in which it is noted before there is one."""
    note = folder / GROUP_FILE
    note.touch(mode=0o600)
    group = made_group(f"envparity-{folder.name}")
    note.write_text("" if group is None else str(group.folder), encoding="utf-8")
    return group


def memory_folder() -> Path | None:
    """Where what need not last is quickest to write: in memory, where there is room; None: among temporary files."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= _ROOM_BYTES:
        return MEMORY
    return Path("/tmp") if len(tempfile.gettempdir()) > _LONG else None  # noqa: S108  mkdtemp's folder is its owner's


def _previous(backend: Backend, source: ProcessSource, folder: Path) -> Path | None:
    """The code of the previous release, copied as that of this one is."""
    found = previous_folder(backend, source, folder / "previous-tree")
    if found is None or not source.include:
        return found
    return _copied(msgspec.structs.replace(source, folder=found), folder / "previous")


def _copied(source: ProcessSource, folder: Path) -> Path:
    """A copy of what the backend's file includes, for anybody to read, of the same owner."""
    for file in choose_files(source.folder, source.include):
        copy = folder / file.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.source, copy)
        copy.chmod(file.mode)
    folder.mkdir(exist_ok=True)
    for made in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        made.chmod(0o755)
    if os.geteuid() == 0:
        owner = source.folder.stat()
        for made in (folder, *folder.rglob("*")):
            os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return folder
