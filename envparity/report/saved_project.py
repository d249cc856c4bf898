"""What a run was about, as it is kept: what the reports show of the inputs, and where it stands in their files."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from envparity.doors import foreign_entries, version_of_envparity
from envparity.model.backend import Backend, ImageSource, ReportMapping
from envparity.model.environment import DeclaredDifference, Dependency, Environment, Ingress, OwnConfiguration, Platform
from envparity.model.project import Project
from envparity.report.revision import Revision, revision_of
from envparity.support.redaction import is_secret
from envparity.support.toml.document import Document, read_document, shown_path

__all__ = [
    "FORMAT",
    "SavedEntry",
    "SavedEnvironment",
    "SavedProject",
    "SavedScenario",
    "SavedShard",
    "environment_lines",
    "saved_project",
    "without_secrets",
]

_KEPT_BACK = "<kept back>"

FORMAT = 2
"""How the lines of a saved run are to be read. 1 had events and evidence without types."""


class SavedEntry(msgspec.Struct, frozen=True):
    """What another distribution brought in: by which door, under which name, from where."""

    group: str
    name: str
    distribution: str
    version: str


class SavedScenario(msgspec.Struct, frozen=True):
    """What a scenario promises, and the line of the backend file where it begins (0: not known)."""

    name: str
    title: str
    group: str
    line: int = 0


class SavedEnvironment(msgspec.Struct, frozen=True):
    """An environment without the values of its settings.

    `lines` are those of its file's keys, `settings.PORT` -> 14; `places` the file and line of each value where some
    come from other files, `settings.PORT` -> `compose.yaml:14`.
    """

    name: str
    description: str
    file: str
    platform: Platform
    ingress: Ingress
    dependencies: dict[str, Dependency]
    dependencies_first: bool
    differences: tuple[DeclaredDifference, ...]
    lines: dict[str, int] = {}
    places: dict[str, str] = {}


class SavedShard(msgspec.Struct, frozen=True):
    """Which part of a run this is: number `index` of `of`, from 1, with the `own` of all its `cases`, by their ids.

    `plan` is equal for all shards of one run: of the same commit, files, version and options. The options are those
    that change what is booted; `version`, `commit` and `files` say of what (`envparity.engine.session.identity`).
    """

    index: int
    of: int
    plan: str
    cases: tuple[str, ...]
    own: tuple[str, ...]
    version: str
    commit: str
    files: str
    only: tuple[str, ...] = ()
    repeat: int = 1
    thorough: bool = False
    launcher: str = "auto"  # as it was asked for
    image: str = ""


class SavedProject(msgspec.Struct, frozen=True, tag="SavedSubject"):  # as runs that were saved before call it
    """What a run was about. `began` is ISO 8601 in UTC; `orders` the strength of the covering set, 0 for none.

    `shard` is there where only a part of the run was booted, which is to be judged with the others.
    """

    began: str
    backend: str
    file: str
    frame_type: str
    volatile: tuple[str, ...]
    settings_path: str  # where a startup report has its settings
    scenarios: tuple[SavedScenario, ...]
    environments: tuple[SavedEnvironment, ...]
    orders: int = 0
    format: int = FORMAT
    envparity: str = ""  # the version that ran
    installed: tuple[SavedEntry, ...] = ()
    only: tuple[str, ...] = ()  # the patterns of scenarios that were asked for; empty: all
    repeat: int = 1  # how often each case was booted
    files: dict[str, str] = {}  # SHA-256 of what was read, by path; not of files of variables, in which secrets are
    revision: Revision | None = None  # what was checked out
    shard: SavedShard | None = None

    def __post_init__(self) -> None:
        dt.datetime.fromisoformat(self.began)  # what a file says is no date is refused where it is read

    def environment(self, name: str) -> SavedEnvironment | None:
        """The environment of that name."""
        return next((each_environment for each_environment in self.environments if each_environment.name == name), None)

    def scenario(self, name: str) -> SavedScenario | None:
        """The scenario of that name."""
        return next((each_scenario for each_scenario in self.scenarios if each_scenario.name == name), None)

    def for_comparing(self) -> Backend:
        """As much of the backend as it takes to lay two of its conversations side by side."""
        return Backend(
            name=self.backend,
            file=Path(self.file),
            image=ImageSource(),
            frame_type=self.frame_type,
            volatile=self.volatile,
            report=ReportMapping(settings=self.settings_path),
        )

    def known_environments(self) -> dict[str, Environment]:
        """The environments by name, the baseline first, without their settings."""
        return {
            environment.name: Environment(
                name=environment.name,
                description=environment.description,
                platform=environment.platform,
                ingress=environment.ingress,
                dependencies=environment.dependencies,
                dependencies_first=environment.dependencies_first,
                differences=environment.differences,
            )
            for environment in self.environments
        }


def saved_project(
    project: Project,
    environment_paths: Path,
    *,
    orders: int = 0,
    only: Sequence[str] = (),
    repeat: int = 1,
    shard: SavedShard | None = None,
) -> SavedProject:
    """What is kept of a project that was read from these files. The files' lines are where SARIF points to."""
    backend = project.backend
    lines = _scenario_lines(backend.file)
    return SavedProject(
        began=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        backend=backend.name,
        file=shown_path(backend.file),
        frame_type=backend.frame_type,
        volatile=backend.volatile,
        settings_path=backend.report.settings,
        scenarios=tuple(
            SavedScenario(scenario.name, scenario.title, scenario.group, lines.get(scenario.name.partition("[")[0], 0))
            for scenario in backend.scenarios
        ),
        environments=tuple(
            _saved_environment(environment, _file_of(name, environment_paths))
            for name, environment in project.environments.items()
        ),
        orders=orders,
        envparity=version_of_envparity(),
        shard=shard,
        installed=tuple(
            SavedEntry(entry.group, entry.name, entry.distribution, entry.version) for entry in foreign_entries()
        ),
        only=tuple(only),
        repeat=repeat,
        files=dict(sorted(_digests(project, environment_paths))),
        revision=revision_of(backend.file.resolve().parent),
    )


def _digests(project: Project, environment_paths: Path) -> Iterator[tuple[str, str]]:
    """The files that a run is about, each with its SHA-256: what a deployment holds against its own."""
    for file in dict.fromkeys(_files(project, environment_paths)):
        try:
            yield shown_path(file), hashlib.sha256(file.read_bytes()).hexdigest()
        except OSError:  # it was read, and is gone: nothing that is compared with it will be the same
            continue


def _files(project: Project, environment_paths: Path) -> Iterator[Path]:
    yield project.backend.file
    if project.backend.contract is not None:
        yield project.backend.contract.document
    for name, environment in project.environments.items():
        file = _file_of(name, environment_paths)
        yield file
        templates = [template.template for template in environment.files.values()]
        own = [environment.ingress.config.file] if environment.ingress.config is not None else []
        named = [extend.partition("#")[0] for extend in environment.extends if ".env" not in Path(extend).name]
        yield from (file.parent / path for path in (*templates, *own, *named))


def _file_of(name: str, paths: Path) -> Path:
    return paths / f"{name}.toml" if paths.is_dir() else paths


def _saved_environment(environment: Environment, file: Path) -> SavedEnvironment:
    return SavedEnvironment(
        name=environment.name,
        description=environment.description,
        file=shown_path(file),
        platform=environment.platform,
        ingress=_without_text(environment.ingress),
        dependencies={name: without_secrets(dependency) for name, dependency in environment.dependencies.items()},
        dependencies_first=environment.dependencies_first,
        differences=environment.differences,
        lines=dict(environment_lines(file)),
        places=environment.places,
    )


def _without_text(ingress: Ingress) -> Ingress:
    """Without what is in a configuration of the team's own, where anything may stand."""
    config = None if ingress.config is None else OwnConfiguration(ingress.config.file)
    return msgspec.structs.replace(ingress, config=config)


def without_secrets(dependency: Dependency) -> Dependency:
    """As it is kept and shown: of a literal that is a secret, and of a file's text, only that there is one."""
    tables = {name: table for name, table in dependency.options.items() if isinstance(table, dict)}
    kept = {
        name: {
            key: _KEPT_BACK if isinstance(value, str) and (name == "files" or is_secret(key, value)) else value
            for key, value in table.items()
        }
        for name, table in tables.items()
    }
    return msgspec.structs.replace(dependency, options={**dependency.options, **kept})


def environment_lines(file: Path) -> Iterator[tuple[str, int]]:
    """The lines of settings, tables and differences; of a difference's path, that of its `path`."""
    document = _document(file)
    if document is None:
        return
    for key, line in document.lines.items():
        if key[0] != "differences" and len(key) <= 2:
            yield ".".join(map(str, key)), line
    for index, table in enumerate(document.tables("differences")):
        yield f"differences.{table.get('path', index)}", document.line(("differences", index))


def _scenario_lines(file: Path) -> dict[str, int]:
    document = _document(file)
    tables = document.tables("scenario") if document is not None else []
    return {
        str(table.get("name")): document.line(("scenario", index)) if document is not None else 0
        for index, table in enumerate(tables)
    }


def _document(file: Path) -> Document | None:
    """The document, or None where it cannot be read again: the run has read it, and only lines would be lost."""
    return read_document(file)[0]
