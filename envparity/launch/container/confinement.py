"""What a container may not do to its host and to its neighbours, in the engine's words."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final, Self

from testcontainers.core.container import DockerContainer
from testcontainers.core.transferable import Transferable

from envparity.dependency.kind import ServerPlan
from envparity.launch.container.log import bounded_log

__all__ = ["BACKEND_CAPABILITIES", "ConfinedContainer", "archives", "confinement"]

_MIB: Final = 1024 * 1024
_BACKEND_PROCESSES: Final = 4096
BACKEND_CAPABILITIES: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
"""What an entry point that begins as root needs to hand over to an ordinary user (capabilities(7)), and no more."""


class ConfinedContainer(DockerContainer):
    """A container whose files are put into it before it starts: all that go into one folder as one archive.

    The engine mounts a container's whole root anew for each archive.
    """

    def with_files(self, files: Mapping[str, tuple[bytes, int]], *, read_only: bool) -> Self:
        """Put these into it: content and mode by path.

        Where its root is read-only, their folders are volumes; where not, folders that the image has not are made.
        """
        for folder, archive in archives(files, read_only=read_only).items():
            self.with_copy_into_container(archive, folder)
        return self

    def _transfer_into_container(self, transferable: Transferable, destination_in_container: str, mode: int) -> None:
        del mode  # each file of the archive has its own
        self.get_wrapped_container().put_archive(destination_in_container, transferable)


def archives(files: Mapping[str, tuple[bytes, int]], *, read_only: bool) -> dict[str, bytes]:
    """Files of a container, content and mode by path, as one tar archive for each folder that the engine can write to.

    With a read-only root that is the folder of each file, without it the root.
    """
    folders: dict[str, list[str]] = {}
    archived: dict[str, bytes] = {}
    for path in files:
        folders.setdefault(str(PurePosixPath(path).parent) if read_only else "/", []).append(path)
    for folder, paths in folders.items():
        whole = io.BytesIO()
        with tarfile.open(fileobj=whole, mode="w") as archive:
            for path in paths:
                content, mode = files[path]
                member = tarfile.TarInfo(str(PurePosixPath(path).relative_to(folder)))
                member.size, member.mode = len(content), mode
                archive.addfile(member, io.BytesIO(content))
        archived[folder] = whole.getvalue()
    return archived


def confinement(plan: ServerPlan) -> dict[str, object]:
    """Options for the container of that plan: no new privileges, few capabilities and processes,
    a log that ends somewhere.

    A server has no capability at all, a limit of memory, and a root that it cannot write to. The backend's memory and
    root are its platform's.
    """
    options: dict[str, object] = {
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "log_config": bounded_log(),
    }
    if plan.memory_mib is None:
        return options | {"cap_add": list(BACKEND_CAPABILITIES), "pids_limit": _BACKEND_PROCESSES}
    memory = plan.memory_mib * _MIB
    return options | {
        "pids_limit": plan.processes,
        "mem_limit": memory,
        "memswap_limit": memory,
        "read_only": True,
    }
