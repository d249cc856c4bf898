"""What it is to sign in: a request over HTTP that a scheme asks, and the credential in its answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from envparity.errors import EnvparityError

__all__ = ["Answered", "CookieGiven", "NotSignedIn", "SignInRequest", "SignsIn", "signs_in"]


@dataclass(frozen=True, repr=False)
class SignInRequest:
    """A request to the backend: the method, the path with its query, headers, a body."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, repr=False)
class CookieGiven:
    """A cookie that an answer sets; `refused` is why a browser would not keep it, "" where it does."""

    name: str
    value: str
    refused: str = ""


@dataclass(frozen=True, repr=False)
class Answered:
    """What came: the status, the cookies that it sets, the body as text."""

    status: int
    cookies: tuple[CookieGiven, ...]
    text: str


class NotSignedIn(EnvparityError):
    """Signing in gave no credential: what was expected of the answer, and what came."""

    def __init__(self, expected: str, got: str) -> None:
        self.expected, self.got = expected, got
        super().__init__(f"expected {expected}, got {got}")


@runtime_checkable
class SignsIn(Protocol):
    """A scheme whose credentials the backend gives itself, to who asks for one before it connects."""

    @property
    def locking(self) -> Collection[str]:
        """The kinds for which it signs in wrongly: of what is deployed that may lock somebody out."""
        ...

    def asking(self, kind: str, settings: Mapping[str, str]) -> SignInRequest | None:
        """What is asked for a credential of that kind; None where nothing needs to be. Raises `KeyError`."""
        ...

    def given(self, kind: str, answer: Answered) -> str:
        """The credential in the answer. Raises `NotSignedIn` where there must be one and is none."""
        ...


def signs_in(scheme: object) -> SignsIn | None:
    """The scheme as one that signs in; None where it does not."""
    return scheme if isinstance(scheme, SignsIn) else None
