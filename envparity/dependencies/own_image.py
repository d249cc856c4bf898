"""The team's own image of a server whose kind is known: another version, or one with extensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from envparity.dependency.kind import DependencyKind, Image, KeyMistake
from envparity.model.environment import Dependency

__all__ = ["OwnImage", "TakesOwnImage", "image_named", "why_together"]

OwnImage = (
    Annotated[
        str,
        msgspec.Meta(
            description="a reference that the engine has, in place of the server's own image",
            pattern="^[^\\s\\u0000-\\u001f\\u007f]+$",
        ),
    ]
    | None
)
"""The key `image` of a kind that takes one."""


def image_named(declared: Dependency) -> str | None:
    """The reference that stands in its table, if one does."""
    named: str | None = declared.options.get("image")
    return named


def why_together(declared: Dependency) -> str:
    """Why boots are not kept apart in it; "" where they are."""
    named = image_named(declared)
    return f"of the image {named} nobody knows the administrator" if named is not None else ""


class TakesOwnImage(DependencyKind):
    """A kind of which an environment may have the server by an image of the team's own, with the key `image`."""

    def mistakes(self, table: Mapping[str, object], folder: Path) -> Iterator[KeyMistake]:
        """TLS is what each image does in its own way."""
        del folder
        if "image" in table and table.get("tls", "off") != "off":
            action = "leave out image, or tls"
            yield KeyMistake(
                ("tls",), "off, for an image of your own has TLS in its own way", str(table["tls"]), action
            )

    def read(self, options: dict[str, object], folder: Path) -> dict[str, object]:
        """The keys as they are kept: one that is left out is none."""
        del folder
        return {key: value for key, value in options.items() if key != "image" or value is not None}

    def image_of(self, declared: Dependency) -> Image:
        return image_named(declared) or self.image

    def not_as_process(self, declared: Dependency) -> Iterator[str]:
        """The version that the image has: the server of this machine stands for it."""
        named = image_named(declared)
        if named is not None:
            yield f"the image {named} (the server of this machine stands for it)"
