"""What an image is made of, as far as it says."""

from __future__ import annotations

import msgspec

__all__ = ["ImageRecord"]


class ImageRecord(msgspec.Struct, frozen=True):
    """An image that containers of the run were made from: what tells it from another, and what is installed in it."""

    name: str  # as the run knows it: "backend", or the kind of a server
    reference: str
    id: str
    system: str = ""  # as os-release(5) has it; "" where the image has none
    base: str = ""  # the digest of its first layer
    digests: tuple[str, ...] = ()  # what registries know it by, `NAME@sha256:…` each; empty where it was only built
    packages: tuple[
        str, ...
    ] = ()  # of Debian or Alpine, `name version` each; empty where the image has no list of them
