"""The file of an environment's time zone, as containers need it whose image has none: a slim one, most of all."""

from __future__ import annotations

from envparity.errors import LaunchError
from envparity.model.environment import Environment
from envparity.support.zones import SYSTEM_FOLDER, UTC, zone_data

__all__ = ["zone_files"]


def zone_files(environment: Environment) -> dict[str, bytes]:
    """The file of the zone that the platform names, by where C libraries and runtimes look for it; else nothing.

    Raises `LaunchError` where this machine does not have it: the program would be at UTC, and say nothing of it.
    """
    name = environment.platform.timezone
    if name is None or name == UTC:
        return {}
    data = zone_data(name)
    if data is None:
        raise LaunchError(f"{environment.name}: this machine has no data of the time zone {name}: install tzdata")
    return {f"{SYSTEM_FOLDER}/{name}": data}
