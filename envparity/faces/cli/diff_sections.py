"""Two environments laid side by side: a section for settings, one for each dependency, the platform and the ingress."""

from __future__ import annotations

import hashlib
import secrets
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from envparity.model.backend import Backend
from envparity.model.environment import (
    BesideProcess,
    Composed,
    Dependency,
    Environment,
    FromSource,
    ImageSource,
    Job,
    SecretOf,
)
from envparity.model.file_template import FileTemplate
from envparity.model.project import Project
from envparity.report.saved_project import without_secrets
from envparity.support.counting import counted
from envparity.support.redaction import redact
from envparity.support.toml.document import dotted

__all__ = ["Row", "Section", "sections"]


_UNSAID = {"config": "none", "user": "the image's"}
_NOTHING = frozenset({"not set", "none", "the backend file's", "the image's"})
"""What a side is shown as that does not say it."""


class Row(NamedTuple):
    """One thing that differs: what it is called, how it is here, how it is there, and who says that it may."""

    name: str
    here: str
    there: str
    why: str = ""


@dataclass(frozen=True)
class Section:
    """The rows of one kind, and how many of that kind are the same."""

    title: str
    rows: tuple[Row, ...]
    same: int = 0


def sections(project: Project) -> tuple[Section, ...]:
    """How the two environments of a project differ, kind by kind."""
    here, there = project.environments.values()
    return (
        _settings(project.backend, here, there),
        *_own_of_the_backend(here, there),
        _fields("platform", (here.platform, there.platform), (here, there), "platform"),
        _fields("ingress", (here.ingress, there.ingress), (here, there), "ingress"),
        *_dependencies(here, there),
        _order(here, there),
        *_notes(here, there),
        _declared(here, there),
    )


def _settings(backend: Backend, here: Environment, there: Environment) -> Section:
    salt = secrets.token_bytes(16)
    sides = [_shown_settings(backend, environment, salt) for environment in (here, there)]
    names = sorted({name for side in sides for name in side})
    rows = []
    for name in names:
        first, other = (side.get(name, "not set") for side in sides)
        if first != other:
            first, other = (_placed(side, at, f"settings.{name}") for side, at in ((first, here), (other, there)))
            rows.append(Row(name, first, other, _reason(backend, name, (here, there))))
    return Section("settings", tuple(rows), len(names) - len(rows))


def _shown_settings(backend: Backend, environment: Environment, salt: bytes) -> dict[str, str]:
    """Every setting by name as it may be shown: its value, where it comes from, or that it is a secret."""
    shown: dict[str, str] = {name: _literal(backend, name, value, salt) for name, value in backend.settings.items()}
    for name, setting in environment.settings.items():
        if isinstance(setting, SecretOf):
            shown[name] = f"secret, made for every run ({setting.secret} bytes)"
        elif isinstance(setting, FromSource):
            shown[name] = f"from {setting.source}"
        elif isinstance(setting, Composed):
            hidden = backend.is_secret(name, setting.around)
            shown[name] = f"composed of {redact(setting.outline if hidden else setting.template, ())}"
        else:
            shown[name] = _literal(backend, name, setting, salt)
    for note in environment.notes:
        if note.name.startswith("settings."):
            shown.setdefault(note.name.removeprefix("settings."), redact(f"not known: {note.text}", ()))
    return shown | {environment.platform.port_setting: str(environment.platform.port)}


def _placed(value: str, environment: Environment, key: str) -> str:
    """The value and where it stands, where that is known."""
    notes = {note.name: note.place for note in environment.notes}
    place = environment.places.get(key) or notes.get(key)
    return f"{value} ({place})" if place is not None and value not in _NOTHING else value


def _literal(backend: Backend, name: str, value: str, salt: bytes) -> str:
    """A value as it stands in the file; of what is a secret a salted fingerprint, which tells two apart."""
    if backend.is_secret(name, value):
        return f"secret {hashlib.sha256(salt + value.encode()).hexdigest()[:8]}"
    return redact(value, ()) or "(empty)"


def _reason(backend: Backend, name: str, environments: Iterable[Environment]) -> str:
    """What a run would make of it: the declared reason, or that there is none, or that nobody compares it."""
    environments = tuple(environments)
    made = [each_environment.settings.get(name) for each_environment in environments]
    if all(isinstance(value, SecretOf) for value in made):
        return "made anew for every run: not compared"
    if any(each_environment.platform.port_setting == name for each_environment in environments):
        return "the platform's: not compared"
    paths = [
        f"{root}.{name}.{leaf}"
        for root in ("fingerprints", f"report.{backend.report.settings}")
        for leaf in ("value", "source")
    ]
    for environment in environments:
        for declared in environment.differences:
            if any(declared.covers(path) for path in paths):
                return declared.reason
    return "not declared"


def _fields(
    title: str, sides: tuple[msgspec.Struct, msgspec.Struct], environments: tuple[Environment, Environment], table: str
) -> Section:
    first, other = (_keys(side) for side in sides)
    shown = [
        {
            key: _UNSAID.get(key, "no limit") if value is None else _value(value)
            for key, value in _keys(side, shown=True).items()
        }
        for side in sides
    ]
    names = dict.fromkeys((*first, *other))
    rows = [
        Row(
            key,
            *(_placed(of.get(key, "none"), at, f"{table}.{key}") for of, at in zip(shown, environments, strict=True)),
        )
        for key in names
        if key not in first or key not in other or first[key] != other[key]
    ]
    return Section(title, tuple(rows), len(names) - len(rows))


def _keys(side: msgspec.Struct, *, shown: bool = False) -> dict[str, object]:
    """What it says by its keys; as it may be `shown`, without literals that are secrets."""
    if isinstance(side, Dependency) and shown:
        side = without_secrets(side)
    keys: dict[str, object] = msgspec.to_builtins(side)
    options = keys.pop("options", None)
    return {**keys, **options} if isinstance(side, Dependency) and isinstance(options, dict) else keys


def _own_of_the_backend(here: Environment, there: Environment) -> Iterator[Section]:
    """What either has beside the backend file: an image, a command, jobs, files; nothing where neither has."""
    texts = {
        "image": [_image_shown(side.image) for side in (here, there)],
        "command": [" ".join(side.command) or "the backend file's" for side in (here, there)],
    }
    for key in ("entrypoint", "arguments"):
        texts[key] = [shlex.join(getattr(side, key)) or "the image's" for side in (here, there)]
    for name in dict.fromkeys((*here.jobs, *there.jobs)):
        texts[f"job {name}"] = [_job_shown(side.jobs.get(name)) for side in (here, there)]
    for name in dict.fromkeys((*here.processes, *there.processes)):
        texts[f"process {name}"] = [_process_shown(side.processes.get(name)) for side in (here, there)]
    for path in dict.fromkeys((*here.files, *there.files)):
        shown = [_file_shown(side.files.get(path)) for side in (here, there)]
        if shown[0] == shown[1] and here.files[path] != there.files[path]:
            shown[1] += ", another text"
        texts[f"file {path}"] = shown
    rows = [
        Row(key, _placed(first, here, _key_of(key)), _placed(other, there, _key_of(key)))
        for key, (first, other) in texts.items()
        if first != other
    ]
    tables = here.jobs or here.processes or here.files
    if rows or here.image is not None or here.command or here.arguments or here.entrypoint or tables:
        yield Section("backend", tuple(rows), len(texts) - len(rows))


def _key_of(row: str) -> str:
    """The key of an environment's file that a row is about: `job migrate` is `jobs.migrate`."""
    what, _, name = row.partition(" ")
    tables = {"job": "jobs", "process": "processes", "file": "files"}
    return dotted((tables[what], name)) if name else what


def _job_shown(job: Job | None) -> str:
    if job is None:
        return "none"
    return f"{' '.join(job.command)} ({job.timeout_s:g} s{', and again' if job.again else ''})"


def _process_shown(process: BesideProcess | None) -> str:
    if process is None:
        return "none"
    return " ".join(process.command) + (f" (ready within {process.ready_s:g} s)" if process.ready else "")


def _file_shown(file: FileTemplate | None) -> str:
    return "none" if file is None else f"from {file.template}"


def _image_shown(image: ImageSource | None) -> str:
    if image is None:
        return "the backend file's"
    built = image.dockerfile.name if image.dockerfile is not None else image.name or ""
    return f"{built}, stage {image.target}" if image.target else built


def _dependencies(here: Environment, there: Environment) -> Iterator[Section]:
    for name in dict.fromkeys([*here.dependencies, *there.dependencies]):
        first, other = here.dependencies.get(name), there.dependencies.get(name)
        if first is not None and other is not None:
            yield _fields(name, (first, other), (here, there), f"dependencies.{name}")
        else:
            shown = [
                _placed(_kind(first), here, f"dependencies.{name}") if first is not None else _kind(first),
                _placed(_kind(other), there, f"dependencies.{name}") if other is not None else _kind(other),
            ]
            yield Section(name, (Row("kind", *shown),))


def _kind(dependency: Dependency | None) -> str:
    return "none" if dependency is None else dependency.kind


def _order(here: Environment, there: Environment) -> Section:
    words = [
        "dependencies" if environment.dependencies_first else "nobody in particular" for environment in (here, there)
    ]
    same = words[0] == words[1]
    return Section("who starts first", () if same else (Row("first", *words),), int(same))


def _notes(here: Environment, there: Environment) -> Iterator[Section]:
    """What files of the deployment say beside all that, and settings that only the platform knows in both."""
    sides = [{note.name: note for note in side.notes} for side in (here, there)]
    rows, same = [], 0
    for name in dict.fromkeys(name for side in sides for name in side):
        if name.startswith("settings."):
            continue
        texts = [side[name].text if name in side else "not said" for side in sides]
        if texts[0] == texts[1]:
            same += 1
            continue
        shown = [
            _placed(redact(text, ()), at, name) if text != "not said" else text
            for text, at in zip(texts, (here, there), strict=True)
        ]
        rows.append(Row(name, *shown))
    if rows or same:
        yield Section("said, and no part of a boot", tuple(rows), same)


def _declared(here: Environment, there: Environment) -> Section:
    by_path: dict[str, list[str]] = {}
    reasons: dict[str, str] = {}
    for place, environment in enumerate((here, there)):
        for difference in environment.differences:
            by_path.setdefault(difference.path, ["", ""])[place] = "declared" + (
                f" until {difference.expires}" if difference.expires else ""
            )
            reasons.setdefault(difference.path, difference.reason)
    rows = tuple(Row(path, first, other, reasons[path]) for path, (first, other) in by_path.items())
    return Section("declared differences", rows)


def _value(value: object) -> str:
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and "file" not in value:
        return ", ".join(f"{key}={_value(each_value)}" for key, each_value in value.items()) or "none"
    if isinstance(value, dict):
        return f"{value['file']}, {counted(len(value['text'].splitlines()), 'line')}"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
