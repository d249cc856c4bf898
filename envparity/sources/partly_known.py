"""Settings of which only a part is not known, composed of the servers that they name."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from envparity.sources.layer import Layer
from envparity.sources.servers import composed, dependency_of_a_url, urls
from envparity.sources.source import UNKNOWN

__all__ = ["HERE", "Servers", "compose_partly", "numbered"]

HERE: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0"})  # noqa: S104  names of this machine, no addresses to listen at


@dataclass(frozen=True)
class Servers:
    """What is known of servers: their names by host, their tables by name, kinds that are installed, names in use."""

    hosts: dict[str, str]
    tables: dict[str, Any]
    kinds: Collection[str]
    taken: Collection[str]

    def only(self, kind: str) -> str | None:
        """The one of that kind; None where there is none, or several."""
        found = [name for name, table in self.tables.items() if table["kind"] == kind]
        return found[0] if len(found) == 1 else None


def compose_partly(made: Layer, partly: Mapping[str, str], servers: Servers) -> None:
    """Compose settings of which only a part is not known, where that is what a server made here has of its own: the
    user and the password of a URL, its database, the host of a managed server.
    """
    for name, value in partly.items():
        note = made.notes.get(f"settings.{name}")
        known = [url for url in urls(value) if url.kind in servers.kinds and url.host not in HERE]
        if note is None or len(known) != 1:
            continue
        (url,) = known
        kind = str(url.kind)
        server = servers.hosts.get(url.host) or (servers.only(kind) if url.host == UNKNOWN else None)
        added = server is None
        if server is None:
            server = next(each for each in numbered(kind) if each not in {*servers.tables, *servers.taken})
        table = dependency_of_a_url(url) if added else servers.tables[server]
        kinds = {each: str(of["kind"]) for each, of in {**servers.tables, server: table}.items()}
        text = composed(value, {**servers.hosts, url.host: server}, kinds) or UNKNOWN
        if UNKNOWN in text or (table.get("password") is False and f"{{{server}.password" in text):
            continue
        file, _, line = note.place.rpartition(":")
        if added:
            servers.tables[server] = made.tables.setdefault("dependencies", {})[server] = table
            made.places["dependencies", server] = file, int(line)
            servers.hosts.update({} if url.host == UNKNOWN else {url.host: server})
        del made.notes[f"settings.{name}"]
        made.tables.setdefault("settings", {})[name] = text
        made.places["settings", name] = file, int(line)


def numbered(name: str) -> Iterator[str]:
    """The name, and then the name with numbers from 2 on."""
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1
