"""What a codec is that also speaks long polling: sessions whose messages come in answers, and go in requests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

__all__ = ["Polled", "Polls"]


class Polled:
    """One session of long polling as its codec sees it, from the request that opens it to its end."""

    content_type = "text/plain;charset=UTF-8"
    """Of what is posted."""

    farewell: str | bytes = ""
    """The message by which a client ends it."""

    @property
    def target(self) -> str:
        """Where the next request goes, path and query."""
        raise NotImplementedError

    @property
    def patience_s(self) -> float:
        """How long the answer to one poll may take, in seconds."""
        raise NotImplementedError

    def opened(self, text: str) -> tuple[str | bytes, ...]:
        """The messages in the first answer. Raises `ValueError` where that opens no session."""
        raise NotImplementedError

    def read(self, text: str) -> tuple[str | bytes, ...]:
        """The messages in the answer to a poll. Raises `ValueError` where there are none of this codec's."""
        raise NotImplementedError

    def write(self, messages: Iterable[str | bytes]) -> bytes:
        """What is posted to say these."""
        raise NotImplementedError

    def ends(self, message: str | bytes) -> bool:
        """Whether the backend ends the session with that message."""
        raise NotImplementedError


@runtime_checkable
class Polls(Protocol):
    """A codec whose sessions can be held by long polling alone, as clients do where no WebSocket comes through."""

    def polled(self, target: str) -> Polled:
        """A session that is to be opened at that path and query, which are those of its WebSocket."""
