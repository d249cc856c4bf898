"""What files of a deployment say, in formats other than an environment's: read together, as they name each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from envparity.errors import ConfigurationError, Mistake
from envparity.model.environment import DeploymentNote
from envparity.sources.layer import Layer, over
from envparity.sources.neighbours import compose_neighbours
from envparity.sources.partly_known import HERE, Servers, compose_partly, numbered
from envparity.sources.servers import (
    composed,
    dependency_of_a_host,
    dependency_of_a_url,
    is_recognised,
    ports_nobody_says,
    siblings,
    urls,
)
from envparity.sources.source import Said
from envparity.support.toml.document import in_words, shown_path, unfit_for_a_process
from envparity.support.toml.lines import KeyPath

__all__ = ["DeployedFiles"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class DeployedFiles:
    """Files that stand one behind the other in `extends`, over `below`.

    `above` are the settings that are said again over them, which nothing is made of; `taken` the names of dependencies
    that somebody else gives; `port` is the setting that holds the platform's port.
    """

    def __init__(self, below: Layer, above: Collection[str], taken: Collection[str], port: str) -> None:
        self._above, self._port = above, port
        self._taken = {*taken, *below.table("dependencies")}
        self._below = {name: table for name, table in below.table("dependencies").items() if _has_kind(table)}
        self._known = dict(below.hosts)
        self._layer = Layer(deployment=below.deployment)
        self._partly: dict[str, str] = {}

    def add(self, path: Path, said: Said) -> None:
        """The next file, over those before. Raises `ConfigurationError` for what cannot be a setting here."""
        places: dict[KeyPath, tuple[str, int]] = {}
        places |= {key: (shown_path(file), line) for key, (file, line) in said.places.items()}
        places |= {("settings", name): (shown_path(path), line) for name, line in said.lines.items()}
        literals = dict(said.settings)
        if literals.get(self._port, "").isdecimal() and self._port not in self._above:
            at = places.get(("settings", self._port), (shown_path(path), 0))
            said = replace(said, tables=over(said.tables, {"platform": {"port": int(literals.pop(self._port))}}))
            places["platform", "port"] = at
        elif literals.get(self._port) == "" and self._port not in self._above:
            del literals[self._port]  # whoever leaves it empty leaves it to where it runs
        mistakes = list(self._unfit(path, literals, places))
        if mistakes:
            raise ConfigurationError(mistakes)
        notes = {note.name: note for note in said.notes}
        self._partly |= said.partly
        self._layer.put(Layer(literals, dict(said.tables), places, dict(said.hosts), notes, said.deployment))

    def _unfit(
        self, path: Path, literals: Mapping[str, str], places: Mapping[KeyPath, tuple[str, int]]
    ) -> Iterator[Mistake]:
        for name, value in literals.items():
            place = *places.get(("settings", name), (shown_path(path), 0)), name
            if not _NAME.fullmatch(name):
                yield Mistake(*place, "a name of letters, digits and underscores", in_words(name))
            unfit = unfit_for_a_process(value)
            if unfit:
                yield Mistake(*place, "text that a process environment can hold", unfit, "say less")
            if name == self._port and name not in self._above:
                action = "set platform.port, and remove the setting"
                yield Mistake(*place, "the port from [platform] alone", "a setting as well", action)

    def layer(self, known: Collection[str], kinds: Collection[str]) -> Layer:
        """All of them; `known` are the keys that an environment file can have, `kinds` those of dependencies here."""
        _leave_out_other_kinds(self._layer, kinds)
        _name_by_kind(self._layer)
        if self._layer.deployment:
            self._compose(kinds)
        for key in [key for key in self._layer.tables if key not in known]:
            self._layer.set_aside((key,), self._layer.tables.pop(key))
        return self._layer

    def _compose(self, kinds: Collection[str]) -> None:
        """Compose each setting that names a server's host; where no file names that, a URL's scheme or the setting's
        name says what it is.
        """
        made = self._layer
        hosts = {**self._known, **made.hosts}
        literals = {name: value for name, value in made.literals.items() if name not in self._above}
        dependencies: dict[str, object] = made.tables.setdefault("dependencies", {})
        unknown = {name.removeprefix("settings."): note for name, note in made.notes.items() if _is_unset(note)}
        for name, value in literals.items():
            for host, table in _elsewhere(name, value, {*literals, *unknown}):
                if table["kind"] in kinds and host not in hosts and host not in HERE:
                    taken = {*dependencies, *self._taken}
                    server = next(each_text for each_text in numbered(str(table["kind"])) if each_text not in taken)
                    dependencies[server], hosts[host] = table, server
                    made.places["dependencies", server] = made.places["settings", name]
        every = {**self._below, **dependencies}
        by_name = {name: table["kind"] for name, table in every.items()}
        asking = {name for name, table in every.items() if table.get("password") is not False}
        together = siblings(literals, hosts, by_name, unknown.keys() - set(self._above), every.keys() - asking)
        for name in unknown.keys() & together.keys():
            made.tables.setdefault("settings", {})[name] = together[name]
            file, _, line = made.notes.pop(f"settings.{name}").place.rpartition(":")
            made.places["settings", name] = file, int(line)
        for name, value in literals.items():
            text = together.get(name) or composed(value, hosts, by_name)
            if text is not None:
                made.literals.pop(name)
                made.tables.setdefault("settings", {})[name] = text
        for name, port in ports_nobody_says(literals, hosts, {*literals, *unknown, *self._above}):
            at, number = made.places["settings", name]
            words = f"the port of {hosts[literals[name]]}, another in each boot, of which {name} has the host alone"
            made.notes[f"settings.{port}"] = DeploymentNote(f"settings.{port}", words, f"{at}:{number}", known=False)
        made.hosts = hosts
        partly = {name: text for name, text in self._partly.items() if name not in self._above}
        compose_partly(made, partly, Servers(hosts, every, kinds, self._taken))
        compose_neighbours(made, dependencies, by_name)
        if not dependencies:
            del made.tables["dependencies"]


def _elsewhere(setting: str, value: str, beside: Collection[str]) -> Iterator[tuple[str, dict[str, object]]]:
    """The hosts in a setting with what server each is: by the scheme of a URL, or by the setting's own name."""
    for url in urls(value):
        if url.kind is not None:
            yield url.host, dependency_of_a_url(url)
    table = dependency_of_a_host(setting, value, beside)
    if table is not None:
        yield value, table


def _is_unset(note: DeploymentNote) -> bool:
    """Whether it says that only the platform knows a setting."""
    return not note.known and note.name.startswith("settings.")


def _has_kind(table: object) -> bool:
    return isinstance(table, dict) and isinstance(table.get("kind"), str)


def _leave_out_other_kinds(made: Layer, kinds: Collection[str]) -> None:
    """Leave out servers of a kind that is not installed: it is said, and their hosts are texts as others."""
    dependencies = made.tables.get("dependencies", {})
    for name in [name for name, table in dependencies.items() if table.get("kind") not in kinds]:
        made.set_aside(("dependencies", name), f"{dependencies.pop(name)['kind']}, a kind that is not installed")
        made.hosts = {host: other for host, other in made.hosts.items() if other != name}


def _name_by_kind(made: Layer) -> None:
    """Call the only server of a kind as its kind is called, so that it has one name in every environment."""
    dependencies: dict[str, Any] = made.tables.get("dependencies", {})
    count = Counter(table["kind"] for table in dependencies.values())
    named = {
        name: table["kind"]
        for name, table in dependencies.items()
        if count[table["kind"]] == 1 and table["kind"] not in dependencies and is_recognised(table["kind"])
    }
    for name, kind in named.items():
        dependencies[kind] = dependencies.pop(name)
        made.places["dependencies", kind] = made.places.pop(("dependencies", name))
    made.hosts = {host: named.get(name, name) for host, name in made.hosts.items()}
    settings: dict[str, object] = made.tables.get("settings", {})
    for setting, value in settings.items():
        owner, _, what = value.get("from", "").partition(".") if isinstance(value, dict) else ("", "", "")
        if owner in named:
            settings[setting] = {"from": f"{named[owner]}.{what}"}
