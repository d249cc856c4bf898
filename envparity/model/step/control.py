"""Steps that do something to the environment: to a replica, to a dependency."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

__all__ = [
    "Command",
    "Cut",
    "KillReplica",
    "Restart",
    "Restore",
    "Revoke",
    "Rotate",
    "StartReplica",
    "StopReplica",
    "Stopped",
    "UntilReady",
]


_Word = Annotated[str, msgspec.Meta(min_length=1)]
_Words = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class StopReplica(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="stop_replica"):
    """SIGTERM to the replica that this connection is on, without waiting for its end."""

    on: str


class KillReplica(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="kill_replica"):
    """SIGKILL to the replica that this connection is on: it gives nothing back and says goodbye to nobody."""

    on: str


class Stopped(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="stopped"):
    """Wait for the end of the replica that was stopped; it must not have had to be killed."""

    on: str


class StartReplica(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="start_replica"):
    """Start that replica again and wait until it is ready."""

    on: str


class Restart(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="restart"):
    """Restart a dependency with its data, and wait until it accepts connections."""

    dependency: str


class Cut(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="cut"):
    """From now on nothing reaches that dependency; with `for_s` for so many seconds."""

    dependency: str
    for_s: Annotated[float, msgspec.Meta(gt=0, le=600)] | None = None


class Restore(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="restore"):
    """Undo `cut`."""

    dependency: str


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="command"):
    """Have a dependency do a command, `{ redis = ["PUBLISH", "news", "{}"] }`, directly and not by its proxy.

    A command of a single word, as a statement of SQL is, needs no list.
    """

    command: Annotated[dict[str, _Words | _Word], msgspec.Meta(min_length=1, max_length=1)]

    @property
    def dependency(self) -> str:
        """The dependency that does it."""
        return next(iter(self.command))

    @property
    def words(self) -> tuple[str, ...]:
        """The command and its arguments, as the step says them."""
        said = self.command[self.dependency]
        return (said,) if isinstance(said, str) else said


class Rotate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="rotate"):
    """Have an identity provider sign with another key. With `keep` it goes on publishing those before it."""

    dependency: str
    keep: bool = False


class Revoke(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="revoke"):
    """Revoke the token that this connection was opened with, as the backend's file says that tokens are revoked."""

    on: str


class UntilReady(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="step", tag="until_ready"):
    """Wait until every replica says that it is ready."""

    ready: Literal[True] = True
