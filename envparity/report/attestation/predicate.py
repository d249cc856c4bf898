"""What a verdict claims, as an in-toto statement: the images and the commit that it is about, and what was judged.

`schemas/verdict.schema.json` is the JSON Schema of the predicate.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

import msgspec

__all__ = [
    "BACKEND",
    "PREDICATE_TYPE",
    "SCHEMA",
    "STATEMENT_TYPE",
    "Claimed",
    "ClaimedExemption",
    "ClaimedFinding",
    "ClaimedImage",
    "ClaimedOrders",
    "ClaimedRevision",
    "ResourceDescriptor",
    "Statement",
]

SCHEMA: Final = "envparity.verdict/1"
STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE: Final = "urn:envparity:verdict:1"
BACKEND: Final = "backend"
"""The name of the backend's image; that of an environment with one of its own begins with it."""


class ClaimedFinding(msgspec.Struct, frozen=True):
    """A finding by what people call it, and where it shows."""

    id: str
    title: str
    where: str
    environments: tuple[str, ...]


class ClaimedExemption(msgspec.Struct, frozen=True):
    """A declared difference that the run used."""

    environment: str
    path: str
    reason: str


class ClaimedImage(msgspec.Struct, frozen=True):
    """An image that containers were made from: its id in the engine, and its digests in registries."""

    name: str
    reference: str
    id: str
    digests: tuple[str, ...] = ()

    @property
    def of_backend(self) -> bool:
        """Whether it is what is tested, and not a server beside it."""
        return self.name == BACKEND or self.name.startswith(f"{BACKEND} of ")

    @property
    def all_digests(self) -> tuple[str, ...]:
        """Everything that it is known by, as `sha256:…`."""
        return tuple(dict.fromkeys((self.id, *(digest.rpartition("@")[2] for digest in self.digests))))


class ClaimedOrders(msgspec.Struct, frozen=True):
    """Which orders of initialisation were booted: the strength of the covering set (0: none), and what it covers."""

    strength: int = 0
    coverage: tuple[str, ...] = ()


class ClaimedRevision(msgspec.Struct, frozen=True):
    """The commit that was checked out, and whether the files were those of the commit."""

    commit: str
    clean: bool


class Claimed(msgspec.Struct, frozen=True):
    """The predicate. `began` is ISO 8601 in UTC; `files` are SHA-256 digests of the backend's file, of the
    environments' and of what they name, by path; `only` are the patterns of scenarios that were asked for (none: all).
    """

    schema: str
    envparity: str
    run: str
    began: str
    duration_s: float
    verdict: str  # clean or red
    findings: tuple[ClaimedFinding, ...]
    launcher: str
    backend: str
    environments: tuple[str, ...]
    cases: int
    scenarios: int
    rules: int
    files: dict[str, str]
    attached: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    repeat: int = 1
    orders: ClaimedOrders = ClaimedOrders()
    exemptions: tuple[ClaimedExemption, ...] = ()
    cannot_check: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()
    by_chance: tuple[str, ...] = ()
    stalls: str = ""
    images: tuple[ClaimedImage, ...] = ()
    revision: ClaimedRevision | None = None

    def __post_init__(self) -> None:
        if dt.datetime.fromisoformat(self.began).tzinfo is None:
            raise ValueError("began without a time zone")
        if self.verdict not in {"clean", "red"}:
            raise ValueError(f"a verdict of clean or red, got {self.verdict!r}")

    @property
    def backend_images(self) -> tuple[ClaimedImage, ...]:
        """The images of what was tested: one, or one for each environment that has its own."""
        return tuple(image for image in self.images if image.of_backend)


class ResourceDescriptor(msgspec.Struct, frozen=True):
    """What a statement is about, by its digests (in-toto's ResourceDescriptor)."""

    name: str
    digest: dict[str, str]


class Statement(msgspec.Struct, frozen=True, rename="camel"):
    """An in-toto statement, version 1, whose predicate is a verdict."""

    subject: tuple[ResourceDescriptor, ...]
    predicate_type: str
    predicate: Claimed
    type_: str = msgspec.field(default=STATEMENT_TYPE, name="_type")
