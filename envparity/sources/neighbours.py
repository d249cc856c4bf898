"""Other containers that a backend talks to: what their own files say of each, as the table of a dependency."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from envparity.sources.building import Building

__all__ = ["Neighbour", "put_neighbour"]

_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT_SETTING = "PORT"


@dataclass(frozen=True)
class Neighbour:
    """A container beside the backend: from an `image`, or `built` here; `port` is the one that it listens on.

    `hosts` are other names that it is reached by, `volumes` its folders that are none of this machine's, `ready` is its
    health check as a dependency has it.
    `lacking` says what of it no dependency can have: then it is none.
    """

    name: str
    place: tuple[Path, int]
    port: int | None
    image: str = ""
    built: Mapping[str, object] | None = None
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: Sequence[str] = ()
    volumes: Sequence[str] = ()
    ready: Mapping[str, str | list[str]] | None = None
    lacking: str = ""
    hosts: Sequence[str] = ()


def put_neighbour(made: Building, beside: Neighbour) -> bool:
    """Take it as a dependency of kind `service` or `image`; what cannot be one is listed. Whether it is one."""
    lacking = beside.lacking or _lacking(beside)
    if lacking:
        made.not_taken(f"services.{beside.name}", f"needed, and {lacking}", beside.place)
        return False
    table: dict[str, object] = {"port": beside.port}
    if beside.built is not None:
        variables = dict(beside.variables)
        given = variables.pop(_PORT_SETTING, "")
        table |= {"kind": "service", **beside.built, "settings": variables}
        table["port"] = int(given) if given.isdecimal() else beside.port
    else:
        table |= {"kind": "image", "image": beside.image, "variables": dict(beside.variables)}
        if beside.volumes:
            table["volumes"] = list(beside.volumes)
    if beside.command:
        table["command"] = list(beside.command)
    if beside.ready:
        table["ready"] = dict(beside.ready)
    made.dependency(beside.name, table, beside.place, beside.hosts)
    return True


def _lacking(beside: Neighbour) -> str:
    if beside.port is None:
        return "no port of it is said"
    ready = beside.ready.get("command", ()) if beside.ready else ()
    texts = [*beside.command, *ready, *(beside.variables.values() if beside.built is None else ())]
    braces = next((found[0] for text in texts if (found := _PLACEHOLDER.search(text))), "")
    if braces:
        return f"{braces} in it would be a placeholder"
    wrong = next((name for name in beside.variables if not _SETTING.fullmatch(name)), "")
    return f"{wrong} is no name of a variable" if wrong else ""
