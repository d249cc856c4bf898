"""Servers that files of variables name and no file of a deployment tells of: a boot has its own of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from envparity.config.proposals.proposal import Proposal
from envparity.errors import ConfigurationError
from envparity.sources.dotenv import SOURCE
from envparity.sources.servers import composed, dependency_of_a_near_host, dependency_of_a_url, siblings, urls

__all__ = ["OwnServers", "own_servers"]

_HERE = frozenset({"localhost", "127.0.0.1"})


@dataclass
class OwnServers:
    """Dependencies by name, the settings that are composed of them, and where each server was found to be named."""

    dependencies: dict[str, Mapping[str, object]] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    found: list[Proposal[str]] = field(default_factory=list)


def own_servers(folder: Path, files: Iterable[str]) -> OwnServers:
    """Those that files of variables name; none where one of the files is of another format, or cannot be read."""
    values: dict[str, str] = {}
    places: dict[str, str] = {}
    for name in files:
        if not SOURCE.reads(Path(name)):
            return OwnServers()
        try:
            said = SOURCE.read(folder / name, "")
        except (ConfigurationError, OSError, UnicodeDecodeError):
            return OwnServers()  # whoever loads it tells what is wrong with it
        values |= said.settings
        places |= {setting: f"{name}:{line}" for setting, line in said.lines.items()}
    made = OwnServers()
    names: dict[tuple[str, str], str] = {}
    for setting in values:
        for host, table in _named(setting, values):
            kind, at = str(table["kind"]), "" if host in _HERE else host
            if (kind, at) not in names:
                count = sum(1 for other, _ in names if other == kind)
                names[kind, at] = f"{kind}-{count + 1}" if count else kind
                made.dependencies[names[kind, at]] = table
                made.found.append(Proposal(names[kind, at], places[setting]))
            made.settings |= _composed(setting, values, {host: names[kind, at]}, made.dependencies)
    return made


def _named(setting: str, values: Mapping[str, str]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The server in a setting, by its host, with its table: of one URL by its scheme, of a host by what is beside."""
    known = [url for url in urls(values[setting]) if url.kind is not None]
    if len(known) == 1:
        yield known[0].host, dependency_of_a_url(known[0])
    elif not known and (table := dependency_of_a_near_host(setting, values)) is not None:
        yield values[setting].partition(":")[0], table


def _composed(
    setting: str, values: Mapping[str, str], hosts: Mapping[str, str], tables: Mapping[str, Mapping[str, object]]
) -> dict[str, str]:
    """That setting, and what stands beside it by the same name, with the server's own values in them."""
    kinds = {name: str(table["kind"]) for name, table in tables.items()}
    without_password = [name for name, table in tables.items() if table.get("password") is False]
    text = composed(values[setting], hosts, kinds)
    others = [name for name, value in values.items() if value in hosts and name != setting]
    beside = {name: value for name, value in values.items() if name not in others}
    return {**siblings(beside, hosts, kinds, (), without_password), **({setting: text} if text is not None else {})}
