"""The backend that was recorded, as a `Stack` (see launch.port) on which a scenario can be played."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from envparity.errors import LaunchError
from envparity.launch.port import Endpoint, LogMark
from envparity.model.case import Case
from envparity.observe.record import Replica, SettingFingerprint
from envparity.redaction import Redaction

__all__ = ["Upstream"]


@dataclass
class Upstream:
    """A backend that runs already: it is talked to, and nothing is done to it. `settings` are what it runs with, as far
    as they are known.
    """

    endpoint: Endpoint
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    redaction: Redaction = field(default_factory=Redaction)
    case: Case = field(default_factory=lambda: Case("recorded", "recorded"))
    fingerprints: tuple[SettingFingerprint, ...] = ()
    replica_count: int = 1
    timings: Mapping[str, float] = field(default_factory=dict)

    def replica_index(self, upstream: str | None) -> int:  # noqa: ARG002  there is one to be seen
        return 0

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        """What became known as a secret only while it was talked to (`HidesSecrets`)."""
        self.redaction = self.redaction.and_of(secrets)

    async def log_mark(self) -> LogMark:
        """Of logs that nobody here can read."""
        return LogMark()

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        del first, last
        return ()

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        del first
        return {}

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return {}

    async def until_listening(self) -> None:
        """It runs already."""

    async def until_decided(self) -> None:
        """It has started already."""

    async def until_ready(self, index: int | None = None) -> None:
        """It runs already."""

    async def observe_replica(self, index: int) -> Replica:
        return Replica(index)

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
