"""The environments that a project's files tell of: each file that a source reads, under the name that it has there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from envparity.proposals.proposal import Proposal, at_line, slug
from envparity.sources.source import SOURCES

__all__ = ["Deployment", "deployments", "services"]

_COMPOSE: Final = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_OVERRIDE = re.compile(r"(?:docker-)?compose\.(?P<name>[\w-]+)\.ya?ml")
_DOTENV = re.compile(r"\.env(?:\.(?P<name>[\w-]+))?")
_NO_ENVIRONMENT: Final = frozenset({"example", "sample", "template", "dist", "defaults", "override"})
_WELL_KNOWN: Final = {"fly.toml": "fly", "render.yaml": "render", "app.json": "heroku", "service.yaml": "cloud-run"}
_USUAL_NAMES: Final = {"prod": "production", "stage": "staging", "dev": "development"}
_FOLDERS: Final = ("k8s", "kubernetes", "deploy", "manifests")
_LOCAL = "local"


@dataclass(frozen=True)
class Deployment:
    """An environment: its name, and the files that say what it is, relative to the project's folder.

    The later of them go over the earlier; there may be none.
    """

    name: str
    files: tuple[str, ...]


def services(folder: Path) -> list[Proposal[str]]:
    """The services of the compose file that are built here, in its order: each may be the backend."""
    for name in _COMPOSE:
        path = folder / name
        if not path.is_file():
            continue
        try:
            read = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
            return []
        found = read.get("services") if isinstance(read, dict) else None
        tables = found.items() if isinstance(found, dict) else ()
        return [Proposal(str(service), at_line(path, folder)) for service, said in tables if _is_built(said)]
    return []


def deployments(folder: Path, service: str) -> list[Deployment]:
    """The environments that the folder's files tell of; `service` is the backend's name in the compose file."""
    found: dict[str, list[str]] = {}
    base = next((name for name in _COMPOSE if service and (folder / name).is_file()), None)
    if base is not None:
        found[_LOCAL] = [f"{base}#{service}"]
        for path in sorted(folder.iterdir()):
            match = _OVERRIDE.fullmatch(path.name)
            if match and match["name"] not in _NO_ENVIRONMENT:
                found[_named(match["name"])] = [f"{base}#{service}", f"{path.name}#{service}"]
    for path in sorted(folder.glob(".env*")):
        match = _DOTENV.fullmatch(path.name)
        if match is None or match["name"] in _NO_ENVIRONMENT or (base is not None and not match["name"]):
            continue  # compose fills its own file with .env
        found.setdefault(_named(match["name"] or _LOCAL), []).append(path.name)
    for name, environment in _WELL_KNOWN.items():
        if (folder / name).is_file():
            found.setdefault(environment, []).append(name)
    for path in _manifests(folder):
        found.setdefault(_named(path.name if path.parent != folder else "cluster"), []).append(
            path.relative_to(folder).as_posix()
        )
    read = {name: tuple(_read(folder, files)) for name, files in found.items()}
    return [Deployment(name, files) for name, files in read.items() if files]


def _is_built(said: Any) -> bool:
    return isinstance(said, dict) and "build" in said


def _named(name: str) -> str:
    return _USUAL_NAMES.get(name, slug(name, "environment"))


def _manifests(folder: Path) -> Iterator[Path]:
    """The folders of rendered manifests: those with YAML in them, or in each of their overlays."""
    for name in _FOLDERS:
        place = folder / name
        overlays = sorted(path for path in (place / "overlays").glob("*") if any(path.glob("*.y*ml")))
        if overlays:
            yield from overlays
        elif any(place.glob("*.y*ml")):
            yield place


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
