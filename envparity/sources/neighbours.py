"""Other containers that a backend talks to: what their own files say of each, as the table of a dependency."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envparity.model.composed import is_composed
from envparity.sources.building import Building
from envparity.sources.layer import Layer
from envparity.sources.servers import composed, named_hosts, port_beside, siblings
from envparity.sources.source import UNKNOWN

__all__ = ["Neighbour", "Settings", "compose_neighbours", "named_by", "put_neighbour"]

_PLACEHOLDER = re.compile(r"\{[a-z_]+\}")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PORT_SETTING = "PORT"


@dataclass(frozen=True)
class Neighbour:
    """A container beside the backend: from an `image`, or `built` here; `port` is the one that it listens on.

    `partly` are variables of which something is not known, with `UNKNOWN` for it: taken where that is a server's own.
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
    partly: Mapping[str, str] = field(default_factory=dict, repr=False)
    command: Sequence[str] = ()
    volumes: Sequence[str] = ()
    ready: Mapping[str, str | list[str]] | None = None
    lacking: str = ""
    hosts: Sequence[str] = ()


@dataclass(frozen=True)
class Settings:
    """What another container is told, read when it is asked for; `hosts` are the names that it is reached by."""

    hosts: Sequence[str]
    read: Callable[[], Mapping[str, str]]


def named_by(settings: Mapping[str, str], others: Iterable[Settings]) -> dict[str, int | None]:
    """The hosts that these settings may name, each with the port that is said of it; and those that the settings of
    other containers do, which are named so.
    """
    waiting, left, named = [settings], list(others), dict[str, int | None]()
    while waiting:
        own = waiting.pop()
        for setting, value in own.items():
            for host, port in named_hosts(setting, value):
                named[host] = named.get(host) or port or port_beside(setting, own)
        reached = [other for other in left if not named.keys().isdisjoint(other.hosts)]
        left = [other for other in left if other not in reached]
        waiting += [other.read() for other in reached]
    return named


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
        table |= {"kind": "service", **beside.built, "settings": {**variables, **beside.partly}}
        table["port"] = int(given) if given.isdecimal() else beside.port
    else:
        table |= {"kind": "image", "image": beside.image, "variables": dict(beside.variables)}
        if beside.partly:
            table["settings"] = dict(beside.partly)
        if beside.volumes:
            table["volumes"] = list(beside.volumes)
    if beside.command:
        table["command"] = list(beside.command)
    if beside.ready:
        table["ready"] = dict(beside.ready)
    made.dependency(beside.name, table, beside.place, beside.hosts)
    return True


def compose_neighbours(made: Layer, dependencies: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """Compose what other containers are told of each other, as settings of the backend are; they have no servers but
    the backend's. What stays partly unknown is not set.
    """
    for name, table in dependencies.items():
        if table["kind"] not in {"service", "image"}:
            continue
        hosts = {host: other for host, other in made.hosts.items() if other != name}
        variables, settings = dict(table.get("variables", {})), dict(table.get("settings", {}))
        own = {**variables, **settings}
        unknown = _unknown_of(made, name)
        together = siblings(own, hosts, kinds, unknown)
        for setting in {**own, **together}:
            value = own.get(setting, UNKNOWN)
            text = together.get(setting) or composed(value, hosts, kinds)
            if UNKNOWN in (text or value):
                settings.pop(setting, None)
            elif text is not None:
                variables.pop(setting, None)
                settings[setting] = text
                made.notes.pop(unknown.get(setting, ""), None)
            elif setting in settings:
                settings[setting] = value.replace("{", "{{").replace("}", "}}") if is_composed(value) else value
        table |= {key: said for key, said in (("variables", variables), ("settings", settings)) if said or key in table}


def _unknown_of(made: Layer, name: str) -> dict[str, str]:
    """The variables of that container that nobody here knows, each with the name of the note that says so."""
    prefixes = [f"services.{host}." for host, other in made.hosts.items() if other == name]
    notes = [note.name for note in made.notes.values() if not note.known]
    return {note.removeprefix(prefix): note for note in notes for prefix in prefixes if note.startswith(prefix)}


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
