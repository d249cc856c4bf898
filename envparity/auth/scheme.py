"""What a scheme of signing in is, and the door by which schemes come in: `envparity.auth`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import msgspec

from envparity.doors import Door
from envparity.errors import EnvparityError

__all__ = [
    "DEFAULT_SCHEME",
    "REVOKED",
    "SCHEMES",
    "UNSIGNED",
    "Known",
    "Request",
    "Scheme",
    "UnusableKey",
    "base64url",
    "keyless_kinds",
    "token_kinds",
]

DEFAULT_SCHEME: Final = "jwt-shared-key"
"""The scheme of a table [tokens] that names none."""

UNSIGNED: Final = {"none": "nothing is handed over", "empty": "a credential of no characters is handed over"}
"""The kinds of credentials that every scheme has."""


REVOKED: Final = "revoked"
"""The kind of credentials that were good: what makes one of them revokes any good one."""


class UnusableKey(EnvparityError):
    """What a credential is made with is of no use for it; says for what."""


@dataclass(frozen=True)
class Request:
    """What a credential is wanted for: a user, an id of its own, a moment in seconds since the epoch, and the settings
    that the backend was given. `generation` counts how often the keys that sign have been replaced by then;
    `signed_in` is what the backend gave who signed in for it, where it is that who gives credentials.
    """

    settings: Mapping[str, str]
    subject: str
    token_id: str
    now_s: int
    generation: int = 0
    signed_in: str = field(default="", repr=False)


@dataclass(frozen=True)
class Known:
    """What a credential that somebody else made says of itself: whom it names, and until when it is good."""

    subject: str = ""
    expires: float | None = None


class Scheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to show who one is. Its fields are the keys of the table [tokens], each with its description.

    `kinds` are the credentials that it makes, with what is wrong with each, `valid` among them; `keyless` those of them
    that it takes nothing secret to make.
    """

    kinds: ClassVar[Mapping[str, str]]
    keyless: ClassVar[frozenset[str]] = frozenset()

    @property
    def signing_setting(self) -> str:
        """The setting with what credentials are made with: a secret, whatever it is called."""
        raise NotImplementedError

    @property
    def open_settings(self) -> Mapping[str, str]:
        """The other settings that it takes to make credentials, by the key that names each."""
        return {}

    @property
    def key_of_signing(self) -> str:
        """The key that names the signing setting."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """Whom a valid credential names where nobody can choose; "" where it names whom one likes."""
        return ""

    def make(self, kind: str, request: Request) -> str:
        """A credential of one of `kinds`. Raises `KeyError` for a setting that is missing, and `UnusableKey`."""
        raise NotImplementedError

    def missing(self, kind: str) -> Mapping[str, str]:
        """The keys that are not given and are needed for that kind, with what each is."""
        del kind
        return {}

    def mistakes(self) -> Iterator[tuple[str, str, str]]:
        """What is wrong with its keys that no schema says: the key, what is expected of it, what stands there."""
        yield from ()

    def revoking(self, kind: str, token_id: str) -> tuple[str, tuple[str, ...]] | None:
        """What makes a credential of that kind what it is once it is made: a dependency, and a command to it."""
        del kind, token_id
        return None

    @property
    def revokes_in(self) -> str:
        """The dependency in which credentials are revoked, "" where there is none."""
        return ""

    def read(self, credential: str) -> Known:
        """What a credential that somebody else made says of itself, unverified: for the backend to judge."""
        del credential
        return Known()


def _scheme(found: object) -> type[Scheme] | None:
    if not isinstance(found, type) or not issubclass(found, Scheme) or "valid" not in getattr(found, "kinds", ()):
        return None
    return found


SCHEMES: Final[Door[type[Scheme]]] = Door("envparity.auth", "a Scheme that makes valid credentials", _scheme)


def token_kinds(scheme: type[Scheme]) -> tuple[str, ...]:
    """The kinds of credentials that a scenario may ask for."""
    return tuple(dict.fromkeys(("valid", *UNSIGNED, *scheme.kinds)))


def keyless_kinds(scheme: type[Scheme]) -> frozenset[str]:
    """The kinds that can be handed over by who has no key."""
    return frozenset({*UNSIGNED, *scheme.keyless})


def base64url(text: str) -> str:
    """RFC 4648 §5 without padding: letters that a subprotocol's name may have (RFC 9110 §5.6.2)."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
