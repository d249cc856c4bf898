"""A certificate that a dependency presented, as a boot asked for it."""

from __future__ import annotations

import msgspec

__all__ = ["PresentedCertificate"]


class PresentedCertificate(msgspec.Struct, frozen=True):
    """What the server of a dependency presented: a good certificate for the host `name`; `asked` is its own."""

    dependency: str
    name: str
    asked: str
