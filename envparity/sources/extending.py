"""The key `extends` of an environment file: what other files say, by the sources that read them, one over the other."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from envparity.errors import ConfigurationError, Mistake
from envparity.model.environment import Note
from envparity.sources.servers import composed, dependency_of_a_url, siblings, urls
from envparity.sources.source import SOURCES, Key, Said
from envparity.toml.document import Document, dotted, in_words, shown_path, unfit_for_a_process
from envparity.toml.lines import KeyPath

__all__ = ["Extended", "extended"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HERE = frozenset({"localhost", "127.0.0.1", "0.0.0.0"})  # noqa: S104  names of this machine, to which nothing listens


@dataclass(frozen=True)
class Extended:
    """An environment file over the files that it extends.

    `document` holds what they say beside literal settings, under what it says itself; `settings` are the literal ones,
    which no placeholder is looked for in; `notes` what they say that no boot takes; `places` where each value stands.
    """

    document: Document
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[Note, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)


def extended(document: Document, known: Collection[str], kinds: Collection[str]) -> tuple[Extended, list[Mistake]]:
    """What the files give that the document extends, the later over the earlier; and what is wrong with them.

    `known` are the keys that an environment file can have, `kinds` the kinds of dependencies that are installed.
    The document may be wrong in any way: what the schema reports is passed over. Raises `DoorFailed`.
    """
    named = document.data.get("extends", [])
    layers = _Layers(document)
    mistakes: list[Mistake] = []
    for index, entry in enumerate(named if isinstance(named, list) else []):
        if not isinstance(entry, str) or not entry or "\0" in entry:
            continue
        try:
            layers.add(*_read(document, ("extends", index), entry))
        except ConfigurationError as wrong:
            mistakes += wrong.mistakes
    return (layers.done(known, kinds) if layers.any else Extended(document)), mistakes


def _read(document: Document, key: tuple[Any, ...], entry: str) -> tuple[Path, Said]:
    name, _, part = entry.partition("#")
    path = _tidy(document.path.parent / name)
    for door, source in SOURCES.every().items():
        with SOURCES.guarding(source):
            try:
                if not source.reads(path):
                    continue
                return path, source.read(path, part)
            except FileNotFoundError:
                got, action = f"{in_words(entry)}, which is none", "paths are relative to this file"
                raise ConfigurationError([document.mistake(key, "a file", got, action)]) from None
            except (OSError, UnicodeDecodeError) as error:
                got = f"{in_words(entry)}, which cannot be read: {getattr(error, 'strerror', None) or error}"
                raise ConfigurationError([document.mistake(key, f"a file of the source {door}", got)]) from None
    reading = ", ".join(SOURCES.entries())
    raise ConfigurationError([document.mistake(key, f"a file that a source reads ({reading})", in_words(entry))])


def _tidy(path: Path) -> Path:
    """The path without `..`, where that is the same file."""
    short = Path(os.path.normpath(path))
    return short if os.path.realpath(short) == os.path.realpath(path) else path


class _Layers:
    """What the files say, put one over the other."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._own: Mapping[str, Any] = document.table("settings")
        port = document.table("platform").get("port_setting", "PORT")
        self._port = port if isinstance(port, str) else "PORT"
        self._literals: dict[str, str] = {}
        self._tables: dict[str, Any] = {}
        self._places: dict[Key, tuple[str, int]] = {}
        self._hosts: dict[str, str] = {}
        self._notes: dict[str, Note] = {}
        self._deployment = self.any = False

    def add(self, path: Path, said: Said) -> None:
        """The next file, over those before. Raises `ConfigurationError` for what cannot be a setting here."""
        places = {key: (shown_path(file), line) for key, (file, line) in said.places.items()}
        places |= {("settings", name): (shown_path(path), line) for name, line in said.lines.items()}
        literals = dict(said.settings)
        if said.deployment and literals.get(self._port, "").isdecimal() and self._port not in self._own:
            at = places.get(("settings", self._port), (shown_path(path), 0))
            self._tables.setdefault("platform", {})
            said = replace(said, tables=_over(said.tables, {"platform": {"port": int(literals.pop(self._port))}}))
            places["platform", "port"] = at
        mistakes = list(self._unfit(path, literals, places))
        if mistakes:
            raise ConfigurationError(mistakes)
        self.any = True
        self._deployment |= said.deployment
        tabled = said.tables.get("settings", {})
        for name in {*literals, *tabled}:
            self._literals.pop(name, None)
            self._tables.get("settings", {}).pop(name, None)
            self._notes.pop(f"settings.{name}", None)
        self._literals |= literals
        self._tables = _over(self._tables, said.tables)
        self._places |= places
        self._hosts |= said.hosts
        self._notes |= {note.name: note for note in said.notes}
        for note in said.notes:
            if note.name.startswith("settings."):
                self._literals.pop(note.name.removeprefix("settings."), None)

    def _unfit(
        self, path: Path, literals: Mapping[str, str], places: Mapping[Key, tuple[str, int]]
    ) -> Iterator[Mistake]:
        for name, value in literals.items():
            place = *places.get(("settings", name), (shown_path(path), 0)), name
            if not _NAME.fullmatch(name):
                yield Mistake(*place, "a name of letters, digits and underscores", in_words(name))
            unfit = unfit_for_a_process(value)
            if unfit:
                yield Mistake(*place, "text that a process environment can hold", unfit, "say less")
            if name == self._port and name not in self._own:
                action = "set platform.port, and remove the setting"
                yield Mistake(*place, "the port from [platform] alone", "a setting as well", action)

    def done(self, known: Collection[str], kinds: Collection[str]) -> Extended:
        """All of them, under the file itself."""
        self._without_other_kinds(kinds)
        self._named_by_kind()
        if self._deployment:
            self._compose(kinds)
        for key in [key for key in self._tables if key not in known]:
            self._set_aside((key,), self._tables.pop(key))
        data = _over(self._tables, self._document.data)
        replicas = data.get("platform", {}).get("replicas", 1) if isinstance(data.get("platform"), dict) else 1
        if ("platform", "replicas") in self._places and "replicas" not in self._document.table("platform"):
            ingress = data.get("ingress", {})
            if replicas != 1 and isinstance(ingress, dict) and ingress.get("kind", "none") == "none":
                self._set_aside(("platform", "replicas"), f"{replicas}, without an ingress that spreads connections")
                del data["platform"]["replicas"]
        own = [key for key in self._document.lines if len(key) > 1]
        places = {key: place for key, place in self._places.items() if _holds(data, key) or key[0] == "settings"}
        shown = {dotted(key): f"{file}:{line}" for key, (file, line) in places.items()}
        shown |= {dotted(key): f"{self._document.source}:{self._document.lines[key]}" for key in own}
        notes = tuple(
            note
            for name, note in self._notes.items()
            if not (name.startswith("settings.") and name.removeprefix("settings.") in self._own)
        )
        tabled = self._tables.get("settings", {})
        literals = {name: value for name, value in self._literals.items() if name not in tabled}
        from_files: dict[KeyPath, tuple[str, int]] = {}
        from_files.update((key, place) for key, place in places.items() if key not in self._document.lines)
        return Extended(replace(self._document, data=data, places=from_files), literals, notes, shown)

    def _without_other_kinds(self, kinds: Collection[str]) -> None:
        """Servers of a kind that is not installed take no part: said, and their hosts are texts as others."""
        dependencies = self._tables.get("dependencies", {})
        for name in [name for name, table in dependencies.items() if table.get("kind") not in kinds]:
            self._set_aside(("dependencies", name), f"{dependencies.pop(name)['kind']}, a kind that is not installed")
            self._hosts = {host: other for host, other in self._hosts.items() if other != name}

    def _named_by_kind(self) -> None:
        """Call the only server of a kind as its kind is called, so that it has one name in every environment."""
        dependencies: dict[str, Any] = self._tables.get("dependencies", {})
        count = Counter(table["kind"] for table in dependencies.values())
        named = {
            name: table["kind"]
            for name, table in dependencies.items()
            if count[table["kind"]] == 1 and table["kind"] not in dependencies
        }
        for name, kind in named.items():
            dependencies[kind] = dependencies.pop(name)
            self._places["dependencies", kind] = self._places.pop(("dependencies", name))
        self._hosts = {host: named.get(name, name) for host, name in self._hosts.items()}
        settings: dict[str, Any] = self._tables.get("settings", {})
        for setting, value in settings.items():
            owner, _, what = value.get("from", "").partition(".") if isinstance(value, dict) else ("", "", "")
            if owner in named:
                settings[setting] = {"from": f"{named[owner]}.{what}"}

    def _compose(self, kinds: Collection[str]) -> None:
        """Compose each setting that names a server's host; a URL's scheme says what a host is that no file names."""
        literals = {name: value for name, value in self._literals.items() if name not in self._own}
        dependencies: dict[str, Any] = self._tables.setdefault("dependencies", {})
        for name, value in literals.items():
            for url in urls(value):
                if url.kind in kinds and url.host not in self._hosts and url.host not in _HERE:
                    table = dependency_of_a_url(url)
                    taken = {*dependencies, *self._document.table("dependencies")}
                    server = next(one for one in _numbered(str(url.kind)) if one not in taken)
                    dependencies[server], self._hosts[url.host] = table, server
                    self._places["dependencies", server] = self._places["settings", name]
        made = siblings(literals, self._hosts, {name: table["kind"] for name, table in dependencies.items()})
        for name, value in literals.items():
            kinds_by_name = {server: table["kind"] for server, table in dependencies.items()}
            text = made.get(name) or composed(value, self._hosts, kinds_by_name)
            if text is not None:
                self._tables.setdefault("settings", {})[name] = text
        if not dependencies:
            del self._tables["dependencies"]

    def _set_aside(self, key: Key, value: Any) -> None:
        file, line = self._places.pop(key, ("", 0))
        name = dotted(key)
        self._notes[name] = Note(name, value if isinstance(value, str) else str(value), f"{file}:{line}", known=True)


def _numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}-{number}"
        number += 1


def _over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Tables one over the other; of what is a table in one and a value in the other, the upper."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _holds(data: Mapping[str, Any], key: Key) -> bool:
    found: Any = data
    for part in key:
        if not isinstance(found, dict) or part not in found:
            return False
        found = found[part]
    return True
