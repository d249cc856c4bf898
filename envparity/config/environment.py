"""Reads environment files. Every mistake of every file is found before any is raised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from envparity.config.deployed import read_deployed
from envparity.config.environment_checks import cross_checks
from envparity.config.files import file_mistakes, files_of
from envparity.config.image import image_of
from envparity.config.own_nginx import own_configuration
from envparity.config.settings import composed_mistakes
from envparity.dependency.kind import KINDS, dependency_schema
from envparity.errors import ConfigurationError, Mistake
from envparity.model.environment import (
    BesideProcess,
    DeclaredDifference,
    Dependency,
    Environment,
    Job,
    Platform,
    setting_of,
)
from envparity.model.ingress_presets import ingress_of
from envparity.sources.extending import Extended, extended, named_files
from envparity.support.toml.document import Document, did_you_mean, in_words, read_document, shown_path
from envparity.support.toml.schema import known_keys, schema_mistakes

__all__ = ["environment_of", "load_environment", "load_environments", "read_environments"]

SCHEMA = "environment.schema.json"


def load_environments(paths: Sequence[Path], names: Sequence[str] = ()) -> dict[str, Environment]:
    """The environments of these files and folders by name, the baseline first.

    With `names` only those are read, in the order asked for, and the first of them is the baseline. Otherwise it is
    the one whose file says `baseline = true`, and the others follow by name.
    Raises `ConfigurationError` with every mistake of every file.
    """
    environments, mistakes = read_environments(paths, names)
    if mistakes:
        raise ConfigurationError(mistakes)
    return environments


def read_environments(
    paths: Sequence[Path], names: Sequence[str] = (), given: Collection[str] | None = None
) -> tuple[dict[str, Environment], list[Mistake]]:
    """As `load_environments`, but the mistakes are returned, beside the environments in which there are none.

    `given` are the settings that the backend's file gives, of which composed ones may be made; None: not known.
    """
    files, mistakes = _files(paths)
    if names:
        files, unknown = _asked_for(files, names)
        mistakes += unknown
    loaded: dict[Path, Environment] = {}
    for path in files:
        environment, wrong = load_environment(path, given)
        mistakes += wrong
        if environment is not None:
            loaded[path] = environment
    mistakes += _clashes(loaded, asked=bool(names))
    found = list(loaded.values())
    if not names:
        found.sort(key=lambda value: (not value.baseline, value.name))
    return {each_environment.name: each_environment for each_environment in found}, list(
        dict.fromkeys(mistakes)
    )  # that of a file that several extend, once


def load_environment(path: Path, given: Collection[str] | None = None) -> tuple[Environment | None, list[Mistake]]:
    """One environment file, or None and everything that is wrong with it; for `given` see `read_environments`."""
    read, mistakes = read_document(path)
    if read is None:
        return None, mistakes
    environment, wrong = environment_of(read, given)
    return (None, [*mistakes, *wrong]) if mistakes else (environment, wrong)


def environment_of(read: Document, given: Collection[str] | None = None) -> tuple[Environment | None, list[Mistake]]:
    """The same of a document that is read already."""
    whole, wrong = extended(read, known_keys(SCHEMA), KINDS.entries())
    document = whole.document
    mistakes = [
        *schema_mistakes(document, SCHEMA, {"dependency": dependency_schema(document.table("dependencies"))}),
        *cross_checks(document, whole.settings),
        *file_mistakes(document, whole.settings, given),
        *composed_mistakes(document, whole.settings, given),
        *wrong,
    ]
    if mistakes:
        return None, mistakes
    return _build(whole), []


def _files(paths: Sequence[Path]) -> tuple[list[Path], list[Mistake]]:
    files: list[Path] = []
    mistakes = []
    for path in paths:
        found = _environments_of(path) if path.is_dir() else [path]
        if not found:
            action = "add one file per environment, such as local.toml"
            mistakes.append(Mistake(shown_path(path), 0, "(folder)", "environment files, *.toml", "none", action))
        files += found
    return list(dict.fromkeys(files)), mistakes


def _environments_of(folder: Path) -> list[Path]:
    """The files of a folder but those that others extend and that are no environment themselves: they have no name."""
    files = sorted(folder.glob("*.toml"))
    documents = [document for document in (read_document(file)[0] for file in files) if document is not None]
    shared = {file.resolve() for document in documents for file in named_files(document)}
    nameless = {document.path.resolve() for document in documents if "name" not in document.data}
    return [file for file in files if file.resolve() not in shared & nameless]


def _asked_for(files: Sequence[Path], names: Sequence[str]) -> tuple[list[Path], list[Mistake]]:
    wanted: list[Path] = []
    mistakes = []
    known = sorted({path.stem for path in files})
    where = ", ".join(dict.fromkeys(shown_path(path.parent) for path in files)) or "(command line)"
    for name in dict.fromkeys(names):
        having = [path for path in files if path.stem == name]
        wanted += having
        if not having:
            expected = "one of " + ", ".join(known) if known else "an environment"
            action = did_you_mean(name, known)
            mistakes.append(Mistake(where, 0, "environment asked for", expected, in_words(name), action))
    return wanted, mistakes


def _clashes(loaded: Mapping[Path, Environment], *, asked: bool) -> Iterator[Mistake]:
    named = Counter(environment.name for environment in loaded.values())
    baselines = [environment.name for environment in loaded.values() if environment.baseline]
    for path, value in loaded.items():
        if named[value.name] > 1:
            yield Mistake(shown_path(path), 0, "name", "a name of its own", f"{value.name}, which another file has too")
        if value.baseline and len(baselines) > 1 and not asked:
            got = f"{len(baselines)}: {', '.join(baselines)}"
            yield Mistake(shown_path(path), 0, "baseline", "one baseline", got, "keep it in one of the files")


def _build(whole: Extended) -> Environment:
    """The environment of a document in which nothing is wrong; its own settings go before those it extends."""
    document, data = whole.document, whole.document.data
    convert = msgspec.convert
    return Environment(
        name=data["name"],
        description=data.get("description", ""),
        baseline=data.get("baseline", False),
        extends=whole.files,
        settings={**whole.settings, **{name: setting_of(value) for name, value in data.get("settings", {}).items()}},
        platform=convert(data.get("platform", {}), Platform),
        ingress=ingress_of(data.get("ingress", {}), own_configuration(document)),
        dependencies={
            name: _dependency(table, document.path.parent) for name, table in data.get("dependencies", {}).items()
        },
        dependencies_first=data.get("dependencies_first", True),
        differences=convert(data.get("differences", []), tuple[DeclaredDifference, ...]),
        deployed=read_deployed(document) if "deployed" in data else None,
        image=image_of(document),
        command=tuple(data.get("command", ())),
        entrypoint=tuple(data.get("entrypoint", ())),
        arguments=tuple(data.get("arguments", ())),
        files=files_of(document),
        processes=convert(data.get("processes", {}), dict[str, BesideProcess]),
        jobs=convert(data.get("jobs", {}), dict[str, Job]),
        notes=whole.notes,
        places=dict(whole.places),
    )


def _dependency(table: Mapping[str, Any], folder: Path) -> Dependency:
    """As its kind reads it: what every dependency has, and under `options` what only this kind has."""
    own = {key: value for key, value in table.items() if key not in _OF_EVERY_KIND}
    kind = KINDS.get(table["kind"])
    with KINDS.guarding(kind):
        read = msgspec.json.decode(msgspec.json.encode(msgspec.structs.asdict(msgspec.convert(own, kind.keys))))
        shared = {field.name for field in msgspec.structs.fields(Dependency)} - {*_OF_EVERY_KIND, "options"}
        options = kind.read({key: value for key, value in read.items() if key not in shared}, folder)
    return Dependency(
        kind=table["kind"],
        latency_ms=float(table.get("latency_ms", 0.0)),
        hosts=tuple(table.get("hosts", ())),
        options=options,
        **{"password": False, **{key: value for key, value in read.items() if key in shared}},
    )


_OF_EVERY_KIND = frozenset({"kind", "latency_ms", "hosts"})
"""Keys of a dependency's table that are none of its kind's."""
