"""A stack of which nothing is known but what its clients see: for launchers that have no more, to be extended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from envparity.launch.port import Endpoint, LogMark
from envparity.model.case import Case
from envparity.observe.record import Replica, SettingFingerprint
from envparity.support.redaction import Redaction

__all__ = ["PlainStack"]


@dataclass(kw_only=True)
class PlainStack:
    """A `Stack` (see launch.port) of one replica, whose logs and health nobody can read, and to which nothing is done.

    `settings` are what the backend was given, for making tokens.
    """

    case: Case
    endpoint: Endpoint
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    redaction: Redaction = field(default_factory=Redaction)
    timings: dict[str, float] = field(default_factory=dict)
    fingerprints: tuple[SettingFingerprint, ...] = ()
    replica_count: int = 1

    def replica_index(self, upstream: str | None) -> int:  # noqa: ARG002  there is one to be seen
        return 0

    def hide(self, secrets: Iterable[tuple[str, str]]) -> None:
        """What became known as a secret only while it ran (`HidesSecrets`)."""
        self.redaction = self.redaction.and_of(secrets)

    async def until_listening(self) -> None:
        """It listens already."""

    async def until_decided(self) -> None:
        """Its startup is over when it listens."""
        await self.until_listening()

    async def observe_replica(self, index: int) -> Replica:
        """That there is one."""
        return Replica(index)

    async def log_mark(self) -> LogMark:
        """Of logs that nobody here can read."""
        return LogMark()

    async def logged_between(self, first: LogMark, last: LogMark | None = None) -> tuple[tuple[str, ...], ...]:
        del first, last
        return ()

    async def servers_logged(self, first: LogMark) -> dict[str, tuple[str, ...]]:
        """Nothing: nobody here can read them."""
        del first
        return {}

    async def infrastructure_logs(self) -> dict[str, tuple[str, ...]]:
        return {}
