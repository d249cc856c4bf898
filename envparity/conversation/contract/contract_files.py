"""The files of a contract as they were read: their schemas in one registry, by where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from referencing import Registry, Resource
from referencing.exceptions import NoSuchResource, Unresolvable
from referencing.jsonschema import DRAFT202012, SchemaRegistry

from envparity.conversation.contract.yaml_text import Unreadable, escaped, read_yaml

__all__ = ["ContractFiles", "DocumentPlace", "held_at"]

_MOST_FILES: Final = 100


@dataclass(frozen=True)
class DocumentPlace:
    """A place in one of the files: the file as a URI, the JSON Pointer in it (RFC 6901), and what stands there."""

    uri: str
    pointer: str
    value: Any

    def below(self, *keys: object) -> DocumentPlace:
        """What stands below that; None as its value where nothing does."""
        place = self
        for key in keys:
            held: object = None
            if isinstance(place.value, dict):
                held = place.value.get(key)
            elif isinstance(place.value, list) and isinstance(key, int) and key < len(place.value):
                held = place.value[key]
            place = DocumentPlace(place.uri, f"{place.pointer}/{escaped(key)}", held)
        return place

    def entries(self) -> Iterator[tuple[str, DocumentPlace]]:
        """What stands below it where it is an object, by name; nothing where it is none."""
        for name in self.value if isinstance(self.value, dict) else ():
            yield str(name), self.below(name)

    def items(self) -> Iterator[DocumentPlace]:
        """What stands below it where it is a list; nothing where it is none."""
        for index in range(len(self.value) if isinstance(self.value, list) else 0):
            yield self.below(index)

    @property
    def reference(self) -> str:
        """By what a schema elsewhere leads here."""
        return f"{self.uri}#{self.pointer}"


class ContractFiles:
    """Those of `folder` that the contract at `path` leads to, read when they are first looked up; `shown` is what each
    is called in a message, `lines` where its keys are.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, folder
        self.lines: dict[str, dict[str, int]] = {}
        self.shown: dict[str, str] = {path.resolve().as_uri(): str(path)}
        self.contents: dict[str, object] = {}
        self._ids: dict[str, str] = {}
        # mypy knows no attrs of a library that has no plugin for them.
        self.registry: SchemaRegistry = Registry(retrieve=self._retrieve)  # type: ignore[call-arg]

    def at(self, uri: str, pointer: str) -> object:
        """What stands in that file at that JSON Pointer, as the file has it; None where nothing does."""
        held = self.contents.get(uri)
        for key in pointer.split("/")[1:]:
            held = held_at(held, key)
        return held

    def target(self, place: DocumentPlace) -> DocumentPlace | None:
        """What the reference at that place leads to; None where that is nowhere."""
        target = urljoin(self._base(place), place.value["$ref"])
        try:
            found = self.registry.resolver().lookup(target)
        except (Unresolvable, ValueError, TypeError, AttributeError):  # into a text or a number, or no URI at all
            return None
        uri, pointer = urldefrag(target)
        return DocumentPlace(self._ids.get(uri, uri), unquote(pointer), found.contents)

    def path_of(self, uri: str) -> Path:
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

    def load(self, path: Path, uri: str) -> object:
        """Read one file, and note where its schemas are by their `$id`."""
        if len(self.contents) >= _MOST_FILES:
            raise Unreadable(f"at most {_MOST_FILES} files", "more")
        loaded, lines = read_yaml(path)
        self.lines[uri] = lines
        self.contents[uri] = loaded
        self.shown.setdefault(uri, _relative(path, self._path))
        self.registry = self.registry.with_resource(uri, _resource(_without_dialects(loaded)))
        for place, said in _identified(DocumentPlace(uri, "", loaded)):
            identity = urldefrag(urljoin(self._base(DocumentPlace(uri, place.pointer.rpartition("/")[0], None)), said))[
                0
            ]
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
            path = self.path_of(asked)
            if asked in self.contents:
                return _resource(_without_dialects(self.contents[asked]))
            return _resource(_without_dialects(self.load(path, asked)))
        except Unreadable as wrong:
            raise NoSuchResource(ref=uri) from wrong  # type: ignore[call-arg]

    def _base(self, place: DocumentPlace) -> str:
        """What a reference at that place is relative to: its file, or the `$id` of the schema around it."""
        base, held = place.uri, self.contents.get(place.uri)
        for key in ("", *place.pointer.split("/")[1:]):
            held = held_at(held, key) if key else held
            if isinstance(held, dict) and isinstance(held.get("$id"), str):
                base = urljoin(base, held["$id"])
        return base


def held_at(value: object, part: str) -> object:
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


def _identified(place: DocumentPlace) -> Iterator[tuple[DocumentPlace, str]]:
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
