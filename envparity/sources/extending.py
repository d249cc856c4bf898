"""The key `extends` of an environment file: what other files say, by the sources that read them, one over the other.

Another environment's file is one of them: read with all that it extends itself, it is a layer as others are.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from envparity.errors import ConfigurationError, Mistake
from envparity.model.environment import DeploymentNote
from envparity.sources.by_name import serve_by_name
from envparity.sources.deployed_files import DeployedFiles
from envparity.sources.layer import Layer, holds, is_moot, over
from envparity.sources.relocating import relocated
from envparity.sources.source import SOURCES, ReadsTogether, Said
from envparity.sources.together import Together
from envparity.support.toml.document import Document, dotted, in_words, is_there, read_document, shown_path
from envparity.support.toml.lines import KeyPath
from envparity.support.toml.schema import schema_mistakes

__all__ = ["Extended", "extended", "named_files"]

_SCHEMA = "environment.schema.json"
_OF_EACH = frozenset({"name", "description", "baseline", "deployed", "extends"})
"""Keys of an environment file that each says for itself."""


@dataclass(frozen=True)
class Extended:
    """An environment file over the files that it extends.

    `document` holds what they say beside literal settings, under what it says itself; `settings` are the literal ones,
    which no placeholder is looked for in; `notes` what they say that no boot takes; `places` where each value stands.
    `files` are all of them, also those that they extend themselves, relative to the file; `under` is all below it.
    """

    document: Document
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    notes: tuple[DeploymentNote, ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    under: Layer = field(default_factory=Layer, repr=False)
    environments: frozenset[str] = frozenset()  # the files below it that are environments' own, as people know them


def extended(document: Document, known: Collection[str], kinds: Collection[str]) -> tuple[Extended, list[Mistake]]:
    """What the files give that the document extends, the later over the earlier; and what is wrong with them.

    `known` are the keys that an environment file can have, `kinds` the kinds of dependencies that are installed.
    The document may be wrong in any way: what the schema reports is passed over. Raises `DoorFailed`.
    """
    return _Reader(known, kinds).extended(document, ())


def named_files(document: Document) -> Iterator[Path]:
    """The environments' own files that the document extends, wherever they stand."""
    for entry in _entries(document).values():
        path = _tidy(document.path.parent / entry.partition("#")[0])
        if _is_environment(path):
            yield path


class _Step(NamedTuple):
    """The entry of a document by which its file leads to another."""

    document: Document
    key: KeyPath
    file: Path

    @classmethod
    def of(cls, document: Document, key: KeyPath) -> _Step:
        return cls(document, key, document.path.resolve())


class _Reader:
    """Reads what documents extend; each file once, though several may extend it."""

    def __init__(self, known: Collection[str], kinds: Collection[str]) -> None:
        self._known, self._kinds = known, kinds
        self._read: dict[Path, tuple[Extended, list[Mistake]]] = {}

    def extended(self, document: Document, way: Sequence[_Step]) -> tuple[Extended, list[Mistake]]:
        """The document over its files; `way` is how it was come to from the first."""
        mistakes: list[Mistake] = []
        parts: list[tuple[Path, Said] | Extended] = []
        files: list[str] = []
        before = Together()
        for index, entry in _entries(document).items():
            step = _Step.of(document, ("extends", index))
            path = _tidy(document.path.parent / entry.partition("#")[0])
            files.append(entry)
            try:
                if _is_environment(path):
                    before = Together()
                    base, wrong = self._environment(step, path, entry, (*way, step))
                    mistakes += wrong
                    parts.append(base)
                    files += [_relative(base.document, file, document) for file in base.files]
                else:
                    joined = before.joined(path, entry.partition("#")[2])
                    said = _source(document, step.key, entry, path, joined)
                    parts[-1 if joined else len(parts) :] = [said]
                    before = Together((*joined, path), entry.partition("#")[2])
            except ConfigurationError as error:
                mistakes += error.mistakes
        if not parts:
            return Extended(document, files=tuple(files)), mistakes
        under, wrong = self._under(document, parts)
        bases = [part for part in parts if isinstance(part, Extended)]
        environments = frozenset().union(
            *({shown_path(each_base.document.path), *each_base.environments} for each_base in bases)
        )
        whole = replace(_whole(document, under, environments), files=tuple(dict.fromkeys(files)))
        return whole, [*mistakes, *wrong]

    def _environment(self, step: _Step, path: Path, entry: str, way: Sequence[_Step]) -> tuple[Extended, list[Mistake]]:
        """Another environment's file over what it extends. Raises `ConfigurationError`."""
        if "#" in entry:
            got, action = in_words(entry), "an environment's file is extended whole"
            raise ConfigurationError([step.document.mistake(step.key, "a file without a part of it", got, action)])
        if not is_there(path):
            got, action = f"{in_words(entry)}, which is none", "paths are relative to this file"
            raise ConfigurationError([step.document.mistake(step.key, "a file", got, action)])
        file = path.resolve()
        circle = next((way[at:] for at, other in enumerate(way) if other.file == file), ())
        if circle:
            raise ConfigurationError([_circle(circle)])
        if file not in self._read:
            document, wrong = read_document(path)
            if document is None:
                raise ConfigurationError(wrong)
            made, more = self.extended(document, way)
            self._read[file] = made, [*wrong, *_own_mistakes(document), *more]
        return self._read[file]

    def _under(self, document: Document, parts: Sequence[tuple[Path, Said] | Extended]) -> tuple[Layer, list[Mistake]]:
        """All layers below the document, the later over the earlier."""
        own = [part.document for part in parts if isinstance(part, Extended)]
        port = next((text for text in map(_port_setting, (document, *reversed(own))) if text), "PORT")
        under, mistakes = Layer(), list[Mistake]()
        group: DeployedFiles | None = None
        for index, part in enumerate(parts):
            if isinstance(part, Extended):
                if group is not None:
                    under.put(group.layer(self._known, self._kinds))
                    group = None
                under.put(_as_layer(part, document))
                continue
            if group is None:
                later = [
                    document,
                    *(each_part.document for each_part in parts[index:] if isinstance(each_part, Extended)),
                ]
                above = {name for each_document in later for name in each_document.table("settings")}
                group = DeployedFiles(
                    under, above, {n for each_document in later for n in each_document.table("dependencies")}, port
                )
            try:
                group.add(*part)
            except ConfigurationError as error:
                mistakes += error.mistakes
        if group is not None:
            under.put(group.layer(self._known, self._kinds))
        return under, mistakes


def _entries(document: Document) -> dict[int, str]:
    """What it extends, by the index; what the schema refuses is passed over."""
    named = document.data.get("extends", [])
    entries = enumerate(named if isinstance(named, list) else [])
    return {at: entry for at, entry in entries if isinstance(entry, str) and entry and "\0" not in entry}


def _own_mistakes(document: Document) -> list[Mistake]:
    """What is wrong with the keys that who extends it does not have from it."""
    own = {key: value for key, value in document.data.items() if key in _OF_EACH}
    return schema_mistakes(replace(document, data={"name": document.path.stem, **own}), _SCHEMA)


def _is_environment(path: Path) -> bool:
    """Whether a file of that name is an environment's own: TOML that no source reads."""
    if path.suffix != ".toml":
        return False
    for source in SOURCES.every().values():
        with SOURCES.guarding(source):
            if source.reads(path):
                return False
    return True


def _source(
    document: Document, key: KeyPath, entry: str, path: Path, before: tuple[Path, ...] = ()
) -> tuple[Path, Said]:
    for door, source in SOURCES.every().items():
        with SOURCES.guarding(source):
            try:
                if not source.reads(path):
                    continue
                part = entry.partition("#")[2]
                if before and isinstance(source, ReadsTogether):
                    return path, source.read_together((*before, path), part)
                return path, source.read(path, part)
            except FileNotFoundError:
                got, action = f"{in_words(entry)}, which is none", "paths are relative to this file"
                raise ConfigurationError([document.mistake(key, "a file", got, action)]) from None
            except (OSError, UnicodeDecodeError) as error:
                got = f"{in_words(entry)}, which cannot be read: {getattr(error, 'strerror', None) or error}"
                raise ConfigurationError([document.mistake(key, f"a file of the source {door}", got)]) from None
    reading = ", ".join(SOURCES.entries())
    expected = f"another environment's .toml, or a file that a source reads ({reading})"
    raise ConfigurationError([document.mistake(key, expected, in_words(entry))])


def _circle(steps: Sequence[_Step]) -> Mistake:
    """Files that extend each other, told once, whichever of them is read first."""
    first = min(range(len(steps)), key=lambda at: steps[at].file)
    steps = [*steps[first:], *steps[:first]]
    got = " extends ".join(step.file.name for step in (*steps, steps[0]))
    document, key, _ = steps[0]
    return document.mistake(key, "a file that does not extend this one", got, "put what they share into a third file")


def _tidy(path: Path) -> Path:
    """The path without `..`, where that is the same file."""
    short = Path(os.path.normpath(path))
    return short if os.path.realpath(short) == os.path.realpath(path) else path


def _relative(base: Document, file: str, document: Document) -> str:
    name, hash_, part = file.partition("#")
    return os.path.relpath(base.path.parent / name, document.path.parent) + hash_ + part


def _port_setting(document: Document) -> str:
    """The name that the document's merged tables give the setting of the port; "" where they give none."""
    setting = document.table("platform").get("port_setting")
    return setting if isinstance(setting, str) else ""


def _as_layer(base: Extended, document: Document) -> Layer:
    """What another environment's file gives, with its paths as seen from the document."""
    mine = base.document
    tables = {key: value for key, value in mine.data.items() if key not in _OF_EACH}
    places: dict[KeyPath, tuple[str, int]] = {}
    places |= {key: (mine.source, line) for key, line in mine.lines.items() if key[0] not in _OF_EACH}
    places |= {key: place for key, place in mine.places.items() if key not in mine.lines}
    notes = {note.name: note for note in base.notes}
    if "deployed" in mine.data:
        text = f"of {mine.path.name} alone: each environment says itself where it runs"
        notes["deployed"] = DeploymentNote("deployed", text, f"{mine.source}:{mine.line(('deployed',))}", known=True)
    tables = relocated(tables, mine.path.parent, document.path.parent)
    literals = {name: value for name, value in base.settings.items() if name not in mine.table("settings")}
    return Layer(literals, tables, places, dict(base.under.hosts), notes, base.under.deployment)


def _whole(document: Document, under: Layer, environments: Collection[str]) -> Extended:
    """The document over what it extends."""
    own = document.table("settings")
    data = over(under.tables, document.data)
    _without_replicas(document, data, under, environments)
    nameless = serve_by_name(under, data)
    places = {key: place for key, place in under.places.items() if _stands(data, under, key)}
    from_files = {key: place for key, place in places.items() if key not in document.lines}
    shown = {dotted(key): f"{file}:{line}" for key, (file, line) in from_files.items() if len(key) > 1}
    for key in (key for key in from_files if len(key) == 1):
        file, line = from_files[key]
        image = key[0] == "image" and file not in environments
        if image or not isinstance(data[str(key[0])], dict):
            shown[dotted(key)] = f"{file}:{line}"
    shown |= {dotted(key): f"{document.source}:{line}" for key, line in document.lines.items() if len(key) > 1}
    notes = (*(note for name, note in under.notes.items() if not is_moot(name, own, data)), *nameless)
    read = replace(document, data=data, places=from_files)
    return Extended(read, under.literals, notes, shown, under=under)


def _stands(data: Mapping[str, object], under: Layer, key: KeyPath) -> bool:
    return holds(data, key) or (key[0] == "settings" and len(key) == 2 and key[1] in under.literals)


def _without_replicas(document: Document, data: dict[str, object], under: Layer, environments: Collection[str]) -> None:
    """Replicas that a deployment's file gives take no part where nothing spreads connections over them."""
    key = ("platform", "replicas")
    file, _ = under.places.get(key, ("", 0))
    platform = data.get("platform")
    if not file or file in environments or "replicas" in document.table("platform") or not isinstance(platform, dict):
        return
    replicas = platform.get("replicas", 1)
    ingress = data.get("ingress", {})
    if replicas != 1 and isinstance(ingress, dict) and ingress.get("kind", "none") == "none":
        under.set_aside(key, f"{replicas}, without an ingress that spreads connections")
        data["platform"] = {name: value for name, value in platform.items() if name != "replicas"}
