"""The files of a contract: the one that is named, and those of the project's folder that its references lead to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

from referencing.jsonschema import SchemaRegistry

from envparity.conversation.contract.contract_files import ContractFiles, DocumentPlace, held_at
from envparity.conversation.contract.yaml_text import Unreadable, escaped
from envparity.errors import Mistake

__all__ = ["DocumentPlace", "Documents", "project_folder"]

_MOST_FILES = 100
_MOST_REFERENCES = 100
_NO_SCHEMAS: Final = frozenset({"const", "enum", "examples", "example", "default"})
"""What holds values, and no schemas and no references."""


class Documents:
    """What was read of a contract, and the mistakes that were found in it.

    A reference leads into the same file or into another of the project's folder; nothing is fetched from a network.
    """

    def __init__(self, path: Path, beside: Path | None = None) -> None:
        self.mistakes: list[Mistake] = []
        self._files = ContractFiles(path, project_folder(path, beside))
        uri = path.resolve().as_uri()
        try:
            loaded = self._files.load(path, uri)
        except Unreadable as wrong:
            self.mistakes.append(Mistake(str(path), wrong.line, "document", wrong.expected, wrong.got))
            loaded = {}
        if not isinstance(loaded, dict):
            self.mistake(DocumentPlace(uri, "", loaded), "an AsyncAPI document", type(loaded).__name__)
            loaded = {}
        self.root = DocumentPlace(uri, "", loaded)

    @property
    def registry(self) -> SchemaRegistry:
        """All schemas of these files, by where they are."""
        return self._files.registry

    def as_written(self, place: DocumentPlace) -> tuple[object, object]:
        """What stands at a place and at the top of its file, as the file has it."""
        return self._files.at(place.uri, place.pointer), self._files.contents.get(place.uri)

    def mistake(self, place: DocumentPlace, expected: str, got: str, action: str = "") -> None:
        """Note one at that place; its line is the nearest that is known."""
        lines, known = self._files.lines.get(place.uri, {}), place.pointer
        while known and known not in lines:
            known = known.rpartition("/")[0]
        source = self._files.shown.get(place.uri, place.uri)
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

    def followed(self, place: DocumentPlace) -> DocumentPlace | None:
        """That place, or what it is a reference to. None where that leads nowhere, which is a mistake already."""
        held = place.value
        return self.resolve(place) if isinstance(held, dict) and isinstance(held.get("$ref"), str) else place

    def resolve(self, place: DocumentPlace) -> DocumentPlace | None:
        """What the reference at that place leads to, through further ones; None where that is nowhere."""
        seen: set[str] = set()
        while len(seen) < _MOST_REFERENCES and place.reference not in seen:
            seen.add(place.reference)
            target = self._files.target(place)
            if target is None or not isinstance(target.value, dict | bool):
                return None
            place = target
            if isinstance(place.value, bool) or not isinstance(place.value.get("$ref"), str):
                return place
        return None

    def _leads_nowhere(self, place: DocumentPlace) -> None:
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
            held = held_at(held, parts[index])
        return ""

    def _why_not(self, file: str, uri: str) -> str:
        try:
            self._files.path_of(urljoin(uri, file))
        except Unreadable as wrong:
            return f", which is {wrong.got}"
        return ""


def project_folder(path: Path, beside: Path | None = None) -> Path:
    """Where a contract's references may lead: into the repository around it.

    Where there is none, into its own folder, or that of the file `beside` that names it, where it is below that.
    """
    here = path.resolve().parent
    named = beside.resolve().parent if beside is not None and here.is_relative_to(beside.resolve().parent) else here
    return next((folder for folder in (here, *here.parents) if (folder / ".git").exists()), named)


def _references(place: DocumentPlace) -> Iterator[DocumentPlace]:
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


def _are_names(place: DocumentPlace) -> bool:
    """Whether the keys at a place are names, among which what else has a meaning is a name too."""
    return place.pointer.rpartition("/")[2] in {"properties", "patternProperties", "$defs", "definitions", "schemas"}
