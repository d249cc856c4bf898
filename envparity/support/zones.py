"""Time zones by name, as the database of this machine has them (RFC 6557), or the package `tzdata` of Python."""

from __future__ import annotations

import importlib.resources
import re
import zoneinfo
from functools import cache
from pathlib import Path

__all__ = ["SYSTEM_FOLDER", "TIMEZONE_VARIABLE", "UTC", "known_zones", "system_has", "zone_data"]

TIMEZONE_VARIABLE = "TZ"
"""By what a program is told its time zone (POSIX.1-2024, XBD §8.3)."""
UTC = "UTC"
"""The name that needs no database: a C library that does not find it is at UTC all the same."""
SYSTEM_FOLDER = "/usr/share/zoneinfo"
"""Where programs look for a zone by its name, whatever C library or runtime they have."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*")
_NO_PLACE = frozenset({"localtime", "Factory", "posixrules"})
_MAGIC = b"TZif"  # RFC 8536 §3.1


@cache
def known_zones() -> frozenset[str]:
    """The names of the zones of which this machine has the data, and UTC."""
    return frozenset(zoneinfo.available_timezones()) - _NO_PLACE | {UTC}


def zone_data(name: str) -> bytes | None:
    """The file of that zone (RFC 8536); None where this machine has none of that name."""
    if _NAME.fullmatch(name) is None:
        return None
    for folder in zoneinfo.TZPATH:
        data = _read(Path(folder, name))
        if data is not None:
            return data
    try:
        wheel = importlib.resources.files("tzdata") / "zoneinfo" / name
        data = wheel.read_bytes()
    except (ModuleNotFoundError, OSError):
        return None
    return data if data.startswith(_MAGIC) else None


def system_has(name: str) -> bool:
    """Whether programs of this machine find that zone by its name."""
    return name == UTC or (_NAME.fullmatch(name) is not None and _read(Path(SYSTEM_FOLDER, name)) is not None)


def _read(file: Path) -> bytes | None:
    try:
        data = file.read_bytes()
    except (OSError, ValueError):
        return None
    return data if data.startswith(_MAGIC) else None
