"""A place at which two environments differ."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Area", "Part"]

Area = Literal["setting", "platform", "ingress", "dependency", "order", "backend", "job", "process", "file"]


class Part(msgspec.Struct, frozen=True, order=True):
    """One place at which two environments differ: `name` a setting, a field of the platform or of the ingress, or a
    dependency; `field` one of that dependency's. Empty where the dependency, or the ingress, is in one of the
    environments only.
    """

    area: Area
    name: str = ""
    field: str = ""
