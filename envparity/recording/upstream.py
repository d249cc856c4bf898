"""The backend that was recorded, as a `Stack` (see launch.port) on which a scenario can be played."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from envparity.errors import LaunchError
from envparity.launch.plain_stack import PlainStack
from envparity.model.case import Case

__all__ = ["Upstream"]


@dataclass(kw_only=True)
class Upstream(PlainStack):
    """A backend that runs already: it is talked to, and nothing is done to it. `settings` are what it runs with, as far
    as they are known.
    """

    case: Case = field(default_factory=lambda: Case("recorded", "recorded"))

    async def until_ready(self, index: int | None = None) -> None:
        """It runs already."""

    async def stop_replica(self, index: int) -> None:
        self._refuse(f"stopping replica {index}")

    async def start_replica(self, index: int) -> None:
        self._refuse(f"starting replica {index}")

    async def restart_dependency(self, name: str) -> None:
        self._refuse(f"restarting {name}")

    async def cut_dependency(self, name: str) -> None:
        self._refuse(f"cutting off {name}")

    async def restore_dependency(self, name: str) -> None:
        self._refuse(f"restoring {name}")

    async def command_dependency(self, name: str, command: tuple[str, ...]) -> object:
        self._refuse(f"{command[0]} in {name}")

    def _refuse(self, what: str) -> NoReturn:
        raise LaunchError(f"what was recorded is talked to, and nothing else: refused {what}")
