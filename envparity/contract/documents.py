"""The files of a contract: the one that is named, and those of the project's folder that its references lead to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource, Unresolvable
from referencing.jsonschema import DRAFT202012, SchemaRegistry

from envparity.contract.yaml_text import Unreadable, escaped, read_yaml
from envparity.errors import Mistake

__all__ = ["Documents", "Place", "project_folder"]

_MOST_FILES = 100
_MOST_REFERENCES = 100
_NO_SCHEMAS: Final = frozenset({"const", "enum", "examples", "example", "default"})
"""What holds values, and no schemas and no references."""


@dataclass(frozen=True)
class Place:
    """A place in one of the files: the file as a URI, the JSON Pointer in it (RFC 6901), and what stands there."""

    uri: str
    pointer: str
    value: Any

    def below(self, *keys: object) -> Place:
        """What stands below that; None as its value where nothing does."""
        place = self
        for key in keys:
            held: object = None
            if isinstance(place.value, dict):
                held = place.value.get(key)
            elif isinstance(place.value, list) and isinstance(key, int) and key < len(place.value):
                held = place.value[key]
            place = Place(place.uri, f"{place.pointer}/{escaped(key)}", held)
        return place

    def entries(self) -> Iterator[tuple[str, Place]]:
        """What stands below it where it is an object, by name; nothing where it is none."""
        for name in self.value if isinstance(self.value, dict) else ():
            yield str(name), self.below(name)

    def items(self) -> Iterator[Place]:
        """What stands below it where it is a list; nothing where it is none."""
        for index in range(len(self.value) if isinstance(self.value, list) else 0):
            yield self.below(index)

    @property
    def reference(self) -> str:
        """By what a schema elsewhere leads here."""
        return f"{self.uri}#{self.pointer}"


class Documents:
    """What was read of a contract, and the mistakes that were found in it.

    A reference leads into the same file or into another of the project's folder; nothing is fetched from a network.
    """

    def __init__(self, path: Path, beside: Path | None = None) -> None:
        self.mistakes: list[Mistake] = []
        self._path = path
        self._folder = project_folder(path, beside)
        self._lines: dict[str, dict[str, int]] = {}
        self._shown: dict[str, str] = {}
        self._contents: dict[str, object] = {}
        self._ids: dict[str, str] = {}
        # mypy knows no attrs of a library that has no plugin for them.
        self.registry: SchemaRegistry = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]
        uri = path.resolve().as_uri()
        self._shown[uri] = str(path)
        try:
            loaded = self._load(path, uri)
        except Unreadable as wrong:
            self.mistakes.append(Mistake(str(path), wrong.line, "document", wrong.expected, wrong.got))
            loaded = {}
        if not isinstance(loaded, dict):
            self.mistake(Place(uri, "", loaded), "an AsyncAPI document", type(loaded).__name__)
            loaded = {}
        self.root = Place(uri, "", loaded)

    def as_written(self, place: Place) -> tuple[object, object]:
        """What stands at a place and at the top of its file, as the file has it."""
        top = held = self._contents.get(place.uri)
        for key in place.pointer.split("/")[1:]:
            held = _held(held, key)
        return held, top

    def mistake(self, place: Place, expected: str, got: str, action: str = "") -> None:
        """Note one at that place; its line is the nearest that is known."""
        lines, known = self._lines.get(place.uri, {}), place.pointer
        while known and known not in lines:
            known = known.rpartition("/")[0]
        source = self._shown.get(place.uri, place.uri)
        key = f"#{place.pointer}" if place.pointer else "document"
        self.mistakes.append(Mistake(source, lines.get(known, 0), key, expected, got, action))

    def check_references(self) -> None:
        """Every `$ref` must lead somewhere; what it leads to in other files is looked at in the same way."""
        waiting, seen = [self.root], {self.root.reference}
        while waiting:
            for reference in _references(waiting.pop()):
                target = self.resolve(reference)
                if target is None:
                    self._leads_nowhere(reference)
                elif target.uri != self.root.uri and target.reference not in seen:
                    seen.add(target.reference)
                    waiting.append(target)

    def followed(self, place: Place) -> Place | None:
        """That place, or what it is a reference to. None where that leads nowhere, which is a mistake already."""
        held = place.value
        return self.resolve(place) if isinstance(held, dict) and isinstance(held.get("$ref"), str) else place

    def resolve(self, place: Place) -> Place | None:
        """What the reference at that place leads to, through further ones; None where that is nowhere."""
        seen: set[str] = set()
        while len(seen) < _MOST_REFERENCES and place.reference not in seen:
            seen.add(place.reference)
            target = urljoin(self._base(place), place.value["$ref"])
            try:
                found = self.registry.resolver().lookup(target)
            except (Unresolvable, ValueError, TypeError, AttributeError):  # into a text or a number, or no URI at all
                return None
            uri, pointer = urldefrag(target)
            place = Place(self._ids.get(uri, uri), unquote(pointer), found.contents)
            if not isinstance(place.value, dict | bool):
                return None
            if isinstance(place.value, bool) or not isinstance(place.value.get("$ref"), str):
                return place
        return None

    def _base(self, place: Place) -> str:
        """What a reference at that place is relative to: its file, or the `$id` of the schema around it."""
        base, held = place.uri, self._contents.get(place.uri)
        for key in ("", *place.pointer.split("/")[1:]):
            held = _held(held, key) if key else held
            if isinstance(held, dict) and isinstance(held.get("$id"), str):
                base = urljoin(base, held["$id"])
        return base

    def _leads_nowhere(self, place: Place) -> None:
        target = place.value["$ref"]
        place = place.below("$ref")
        scheme = urlsplit(target).scheme
        if scheme and scheme != "file":
            self.mistake(place, "a place in the project's folder", repr(target), "nothing is fetched from a network")
        elif target.partition("#")[0]:
            why = self._why_not(target.partition("#")[0], place.uri)
            self.mistake(place, "a place in a file of the project's folder", f"{target!r}{why}")
        else:
            self.mistake(place, "a place in this document", repr(target), self._meant(target))

    def _meant(self, target: str) -> str:
        """What to write where a key with a slash in it stands as it is in a JSON Pointer."""
        held, parts = self.root.value, target.removeprefix("#/").split("/")
        for index in range(len(parts) - 1):
            rest = "/".join(parts[index:])
            if isinstance(held, dict) and rest in held:
                return f"a slash in a key is ~1 (RFC 6901): #/{'/'.join([*parts[:index], escaped(rest)])}"
            held = _held(held, parts[index])
        return ""

    def _why_not(self, file: str, uri: str) -> str:
        try:
            self._path_of(urljoin(uri, file))
        except Unreadable as wrong:
            return f", which is {wrong.got}"
        return ""

    def _path_of(self, uri: str) -> Path:
        """The file of that URI. Raises `Unreadable` where it is none of the project's folder."""
        parts = urlsplit(uri)
        if parts.scheme != "file" or parts.netloc:
            raise Unreadable("a file", "elsewhere")
        try:
            path = Path(unquote(parts.path)).resolve()
            there = path.is_file()
        except (OSError, ValueError, RuntimeError):
            raise Unreadable("a file", "no path") from None
        if not path.is_relative_to(self._folder):
            raise Unreadable("a file", "outside of it")
        if not there:
            raise Unreadable("a file", "no file")
        return path

    def _load(self, path: Path, uri: str) -> object:
        """Read one file, and note where its schemas are by their `$id`."""
        if len(self._contents) >= _MOST_FILES:
            raise Unreadable(f"at most {_MOST_FILES} files", "more")
        loaded, lines = read_yaml(path)
        self._lines[uri] = lines
        self._contents[uri] = loaded
        self._shown.setdefault(uri, _relative(path, self._path))
        self.registry = self.registry.with_resource(uri, _resource(_without_dialects(loaded)))
        for place, said in _identified(Place(uri, "", loaded)):
            identity = urldefrag(urljoin(self._base(Place(uri, place.pointer.rpartition("/")[0], None)), said))[0]
            if identity and identity not in self.registry:
                if not place.pointer:
                    self._ids[identity] = uri
                self.registry = self.registry.with_resource(identity, _resource(_without_dialects(place.value)))
        return loaded

    def _retrieve(self, uri: str) -> Resource[object]:
        """A file that a reference leads to, beside the one that it is in. Raises `NoSuchResource`.

        Where a file gives itself an `$id` elsewhere (`https://example.com/schemas/a.json`), what is beside that is
        what is beside the file.
        """
        asked = uri
        if urlsplit(uri).scheme != "file":
            beside = next((known for known in self._ids if urljoin(known, ".") == urljoin(uri, ".")), None)
            if beside is None:
                raise NoSuchResource(ref=uri)  # type: ignore[call-arg]
            asked = urljoin(self._ids[beside], uri.rpartition("/")[2])
            self._ids[uri] = asked
        try:
            path = self._path_of(asked)
            if asked in self._contents:
                return _resource(_without_dialects(self._contents[asked]))
            return _resource(_without_dialects(self._load(path, asked)))
        except Unreadable as wrong:
            raise NoSuchResource(ref=uri) from wrong  # type: ignore[call-arg]


def project_folder(path: Path, beside: Path | None = None) -> Path:
    """Where a contract's references may lead: into the repository around it.

    Where there is none, into its own folder, or that of the file `beside` that names it, where it is below that.
    """
    here = path.resolve().parent
    named = beside.resolve().parent if beside is not None and here.is_relative_to(beside.resolve().parent) else here
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), named)


def _held(value: object, part: str) -> object:
    """What stands under a part of a JSON Pointer."""
    key = part.replace("~1", "/").replace("~0", "~")
    if isinstance(value, dict):
        return value.get(key, value.get(int(key)) if key.isdecimal() else None)
    return value[int(key)] if isinstance(value, list) and key.isdecimal() and int(key) < len(value) else None


def _without_dialects(value: object) -> object:
    """That value without any `$schema`: by it a validator would become another, whose patterns have no bounds."""
    if isinstance(value, dict):
        said = {key: _without_dialects(held) for key, held in value.items()}
        return {key: held for key, held in said.items() if key != "$schema" or not isinstance(held, str)}
    return [_without_dialects(held) for held in value] if isinstance(value, list) else value


def _resource(contents: Any) -> Resource[Any]:
    return DRAFT202012.create_resource(contents)


def _relative(path: Path, beside: Path) -> str:
    """A file as a message shows it: beside the contract, as the contract's own path was given."""
    here = beside.resolve().parent
    return str(beside.parent / path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _references(place: Place) -> Iterator[Place]:
    """Every object below a place that is a reference."""
    waiting = [place]
    while waiting:
        held = waiting.pop()
        if isinstance(held.value, dict):
            if isinstance(held.value.get("$ref"), str):
                yield held
            waiting += [held.below(name) for name in held.value if name not in _NO_SCHEMAS or _are_names(held)]
        elif isinstance(held.value, list):
            waiting += list(held.items())


def _are_names(place: Place) -> bool:
    """Whether the keys at a place are names, among which what else has a meaning is a name too."""
    return place.pointer.rpartition("/")[2] in {"properties", "patternProperties", "$defs", "definitions", "schemas"}


def _identified(place: Place) -> Iterator[tuple[Place, str]]:
    waiting = [place]
    while waiting:
        held = waiting.pop()
        if isinstance(held.value, dict):
            said = held.value.get("$id")
            if isinstance(said, str) and not said.startswith("#"):
                yield held, said
            waiting += [held.below(name) for name in held.value]
        elif isinstance(held.value, list):
            waiting += list(held.items())
