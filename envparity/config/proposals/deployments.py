"""The environments that a project's files tell of: each file that a source reads, under the name that it has there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from envparity.config.proposals.code import read_code
from envparity.config.proposals.proposal import Proposal, at_line, slug
from envparity.errors import ConfigurationError
from envparity.sources.gcloud import deployed_services
from envparity.sources.render import makes_previews
from envparity.sources.render_previews import PREVIEW
from envparity.sources.servers import kind_of_image
from envparity.sources.source import SOURCES
from envparity.sources.yaml_nodes import documents
from envparity.support.toml.bounds import bounded_text

__all__ = ["Build", "Deployment", "build_of", "deployments", "passed_over", "services"]

_COMPOSE: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_OVERRIDE = re.compile(r"(?:docker-)?compose[.-](?P<name>[\w-]+)\.ya?ml")
_ALWAYS = re.compile(r"(?:docker-)?compose\.override\.ya?ml")  # compose goes over its own file with it by itself
_ASGI = re.compile(r"\b(?:daphne|uvicorn|hypercorn|granian|asgi)\b", re.IGNORECASE)
_DOTENV = re.compile(r"\.env(?:\.(?P<name>[\w-]+))?|(?P<before>[\w-]+)\.env")
_NO_ENVIRONMENT: Final = frozenset({"example", "sample", "template", "dist", "default", "defaults", "override"})
_WELL_KNOWN: Final = {
    "fly.toml": "fly",
    "render.yaml": "render",
    "app.json": "heroku",
    "service.yaml": "cloud-run",
    "task-definition.json": "ecs",
}
_USUAL_NAMES: Final = {"prod": "production", "stage": "staging", "dev": "development"}
_LOCAL = "local"


@dataclass(frozen=True)
class Deployment:
    """An environment: its name, and the files that say what it is, relative to the project's folder.

    The later of them go over the earlier; there may be none.
    """

    name: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Build:
    """What an image is built from, relative to the project's folder: a Dockerfile, and the folder that it copies of."""

    dockerfile: Path
    context: Path


def services(folder: Path, called: Iterable[str] = ()) -> list[Proposal[str]]:
    """The services of the compose file that are built here, else those from an image that is called as the project is:
    each may be the backend.

    Those that have a WebSocket in the folder that they are built from come first, of these whoever is started as a
    server of ASGI; those that need a profile come last. `called` are the names of the project.
    """
    path, tables = _compose(folder)
    found = [service for service, said in tables.items() if _is_built(said)]
    found = found or [service for service, said in tables.items() if _is_called(service, said, called)]
    ranked = sorted(found, key=lambda each: _unlikely(folder, each, tables)) if len(found) > 1 else found
    return [Proposal(service, at_line(path, folder)) for service in ranked]


def _unlikely(folder: Path, service: str, tables: Mapping[str, object]) -> tuple[bool, bool, bool]:
    build, said = build_of(folder, service), tables[service]
    code = read_code(folder / build.value.context) if build is not None and build.value.context != Path() else None
    has_socket = code is None or bool(code.websockets or code.socket_io)
    table = said if isinstance(said, dict) else {}
    return "profiles" in table, not has_socket, _ASGI.search(str(table.get("command"))) is None


def _is_called(service: str, said: object, called: Iterable[str]) -> bool:
    """Whether a service is of an image, none of a known kind, and it or the image is called as the project is."""
    image = said.get("image") if isinstance(said, dict) else None
    if not isinstance(image, str) or kind_of_image(image) is not None:
        return False
    names = [slug(name, "") for name in (service, image.rpartition("/")[2].partition(":")[0])]
    return any(name in names or any(each.startswith(f"{name}-") for each in names) for name in called if name)


def build_of(folder: Path, service: str) -> Proposal[Build] | None:
    """What the compose file builds that service from; None where it is elsewhere, or takes a variable to say it."""
    path, tables = _compose(folder)
    said = tables.get(service)
    build = said.get("build") if isinstance(said, dict) else None
    table = {"context": build} if isinstance(build, str) else build if isinstance(build, dict) else {}
    context, dockerfile = table.get("context", "."), table.get("dockerfile", "Dockerfile")
    if not build or not isinstance(context, str) or not isinstance(dockerfile, str) or "$" in context + dockerfile:
        return None
    here = Path(os.path.normpath(path.parent.relative_to(folder) / context))
    file = Path(os.path.normpath(here / dockerfile))
    if here.is_absolute() or ".." in (*here.parts, *file.parts) or not (folder / file).is_file():
        return None
    return Proposal(Build(file, here), at_line(path, folder))


def _compose(folder: Path) -> tuple[Path, dict[str, object]]:
    """The compose file, of the folder or of one in it, and its services by name; none where it cannot be read."""
    within = sorted(path for path in folder.glob("*/") if not path.name.startswith(".") and path.name != "node_modules")
    named = (place / name for place in (folder, *within) for name in _COMPOSE)
    path = next((path for path in named if path.is_file()), folder)
    return path, _services_of(path)


def _services_of(path: Path) -> dict[str, object]:
    try:
        documents(path)  # within its bounds
        read = yaml.safe_load(bounded_text(path))
    except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError, RecursionError, ConfigurationError):
        return {}
    found = read.get("services") if isinstance(read, dict) else None
    return {str(name): said for name, said in found.items()} if isinstance(found, dict) else {}


def deployments(folder: Path, service: str, of_clusters: Iterable[tuple[str, str]] = ()) -> list[Deployment]:
    """The environments that the folder's files tell of; `service` is the backend's name in the compose file.

    `of_clusters` are names and entries of what is for a cluster.
    """
    found: dict[str, list[str]] = {}
    path, _ = _compose(folder)
    base = path.relative_to(folder).as_posix() if service and path.is_file() else None
    if base is not None:
        beside = sorted(path.parent.iterdir())
        always = [over.relative_to(folder).as_posix() for over in beside if _ALWAYS.fullmatch(over.name)]
        found[_LOCAL] = [f"{name}#{service}" for name in (base, *always[:1])]
        for over in beside:
            match = _OVERRIDE.fullmatch(over.name)
            if match and match["name"] not in _NO_ENVIRONMENT and over != path:
                entry = f"{over.relative_to(folder).as_posix()}#{service}"
                alone = _stands_alone(over, service)
                found[_named(match["name"])] = [entry] if alone else [f"{base}#{service}", entry]
    named = bounded_text(path) if base is not None else ""
    for path in sorted({*folder.glob(".env*"), *folder.glob("*.env")}):
        match = _DOTENV.fullmatch(path.name)
        name = match["name"] or match["before"] if match is not None else None
        if match is None or name in _NO_ENVIRONMENT or (base is not None and (not name or path.name in named)):
            continue  # compose fills its own file with .env, and names others
        found.setdefault(_named(name or _LOCAL), []).append(path.name)
    for name, environment in _WELL_KNOWN.items():
        if (folder / name).is_file():
            found.setdefault(environment, []).append(name)
    if _has_previews(folder / "render.yaml"):
        found["render-preview"] = [f"render.yaml#/{PREVIEW}"]
    if "cloud-run" not in found:
        for path in _gcloud(folder):
            found.setdefault("cloud-run", []).append(path.relative_to(folder).as_posix())
            break  # what deploys the same service elsewhere is another environment of the team's own choice
    for name, entry in of_clusters:
        found.setdefault(_named(name), []).append(entry)
    read = {name: tuple(_read(folder, files)) for name, files in found.items()}
    told = [Deployment(name, files) for name, files in read.items() if files]
    return sorted(told, key=lambda each: each.name != _LOCAL)  # the first is what the others are compared with


def passed_over(folder: Path, told: Iterable[Deployment]) -> list[tuple[str, str]]:
    """Compose files that no environment was made of, relative to the folder, with what can be done about each."""
    taken = {name.partition("#")[0] for deployment in told for name in deployment.files}
    patterns = ("compose*.y*ml", "docker-compose*.y*ml")
    found = {path for place in ("", "*/") for pattern in patterns for path in folder.glob(place + pattern)}
    shown = sorted(path.relative_to(folder).as_posix() for path in found if path.is_file())
    hidden = (".", "node_modules/")
    left = [name for name in shown if name not in taken and not name.startswith(hidden)]
    return [(name, _wrong_with(folder / name) or "name it in `extends` where it is an environment") for name in left]


def _wrong_with(path: Path) -> str:
    """Why a file is none that can be read; "" where it is one."""
    try:
        documents(path)
    except ConfigurationError as error:
        mistake = error.mistakes[0]
        return f"line {mistake.line}: expected {mistake.expected}, got {mistake.got}"
    except (OSError, UnicodeDecodeError):
        return "it cannot be read"
    return ""


def _stands_alone(path: Path, service: str) -> bool:
    """Whether a compose file needs no other below it: it has that service, and says what each of its own runs."""
    tables = _services_of(path)
    runs = [isinstance(said, dict) and not {"build", "image", "extends"}.isdisjoint(said) for said in tables.values()]
    return service in tables and all(runs)


def _is_built(said: object) -> bool:
    return isinstance(said, dict) and "build" in said


def _named(name: str) -> str:
    return _USUAL_NAMES.get(name, slug(name, "environment"))


def _gcloud(folder: Path) -> Iterator[Path]:
    """The workflows that deploy one service to Cloud Run, those of Cloud Build first."""
    for pattern in ("cloudbuild*.yaml", "cloudbuild*.yml", ".github/workflows/*.yaml", ".github/workflows/*.yml"):
        for path in sorted(folder.glob(pattern)):
            if len(_deployed_by(path)) == 1:
                yield path


def _has_previews(blueprint: Path) -> bool:
    try:
        return blueprint.is_file() and makes_previews(blueprint)
    except (ConfigurationError, OSError):
        return False


def _deployed_by(workflow: Path) -> tuple[str, ...]:
    try:
        return deployed_services(workflow)
    except (ConfigurationError, OSError):
        return ()


def _read(folder: Path, files: Iterable[str]) -> Iterator[str]:
    """Those of the files that a source reads. Raises `DoorFailed`."""
    known = SOURCES.every().values()
    for name in files:
        path = folder / name.partition("#")[0]
        for source in known:
            with SOURCES.guarding(source):
                if source.reads(path):
                    yield name
                    break
