"""Values by which a backend is known: which ought to be the same everywhere, and which of no two."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

import msgspec

__all__ = ["DeclaredName"]


class DeclaredName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said of a value that replicas show: a service's id, a release, the version of a schema, an instance.

    `path` is a glob over what a replica shows: `report.serviceId`, `health.ready.releaseId`,
    `handshake.headers.X-Release`, `frames.welcome.server`, `http.GET:/version.body.release`. `across` "replicas" are
    those of one boot, "boots" every boot of an environment with all its replicas; `expected` is whether it ought to be
    the same in all of them, or another in each.
    """

    path: str
    across: Literal["boots", "replicas"]
    expected: Literal["same", "different"] = "same"

    def covers(self, path: str) -> bool:
        """Whether the glob matches; brackets may also stand for themselves."""
        return fnmatchcase(path, self.path) or fnmatchcase(path, self.path.replace("[", "[[]"))
