"""What a container may not do to its host and to its neighbours, in the engine's words."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

from testcontainers.core.container import DockerContainer
from testcontainers.core.transferable import Transferable, build_transfer_tar

from envparity.dependency.kind import ServerPlan
from envparity.launch.container.log import bounded_log

__all__ = ["BACKEND_CAPABILITIES", "ConfinedContainer", "confinement"]

_MIB: Final = 1024 * 1024
_BACKEND_PROCESSES: Final = 4096
BACKEND_CAPABILITIES: Final = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
"""What an entry point that begins as root needs to hand over to an ordinary user (capabilities(7)), and no more."""


class ConfinedContainer(DockerContainer):
    """A container that is given its files also where its root is read-only: into the folders that are volumes.

    Where its root is not, folders that the image has not are made.
    """

    def _transfer_into_container(self, transferable: Transferable, destination_in_container: str, mode: int) -> None:
        path = PurePosixPath(destination_in_container)
        if not self._kwargs.get("read_only"):
            whole = build_transfer_tar(transferable, str(path).lstrip("/"), mode)
            self.get_wrapped_container().put_archive("/", whole)
            return
        self.get_wrapped_container().put_archive(str(path.parent), build_transfer_tar(transferable, path.name, mode))


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
