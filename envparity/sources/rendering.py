"""Objects of Kubernetes as a program renders them: `helm template`, `kustomize build`; and what stands on stdin."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import ClassVar, Final

from envparity.errors import ConfigurationError, Mistake
from envparity.sources.yaml_nodes import Node, documents
from envparity.support.printed import TooLong, printed
from envparity.support.reading import Reading
from envparity.support.toml.bounds import LONGEST, bounded_content
from envparity.support.toml.document import shown_path

__all__ = [
    "KUSTOMIZATIONS",
    "STANDARD_INPUT",
    "Rendering",
    "folders_of",
    "generated",
    "kustomization_in",
    "rendering_of",
    "standard_input",
]

STANDARD_INPUT: Final = Path("<standard input>")
KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CHART: Final = "Chart.yaml"
_LONGEST_NAME: Final = 53  # of a release, as Helm takes it
_MOST_SAID = 200
_DEEPEST = 10


class Rendering:
    """The program that renders a folder, or a chart with a file of values: what is asked for, and who can do it."""

    within_s: ClassVar[float] = 60.0

    def __init__(self, path: Path, *ways: tuple[str, ...]) -> None:
        self._path, self._ways = path, ways
        self.is_chart = ways[0][0] == "helm"
        self.called = " or ".join(way[0] for way in ways)
        self.command = " ".join(ways[0])

    @property
    def installed(self) -> bool:
        """Whether a program that does it is installed here."""
        return self._way() is not None

    def _way(self) -> tuple[str, ...] | None:
        return next((way for way in self._ways if shutil.which(way[0]) is not None), None)

    def content(self) -> bytes | None:
        """The objects; None where no such program is installed. Raises `ConfigurationError` where it fails."""
        way = self._way()
        if way is None:
            return None
        try:
            ran = printed(way, self.within_s, LONGEST)
        except TimeoutError:
            raise self._failed(f"{way[0]} did not end within {self.within_s:g} s") from None
        except TooLong:
            raise self._failed(f"{way[0]} prints more than {LONGEST // 1024**2} MiB") from None
        except OSError as error:
            raise self._failed(f"{way[0]} could not be started: {error.strerror}") from None
        if ran.code != 0:
            said = ran.err.decode(errors="replace").strip().splitlines() or [f"exit code {ran.code}"]
            raise self._failed(f"{' '.join(way)}: {said[-1][:_MOST_SAID]}")
        return ran.out

    def _failed(self, got: str) -> ConfigurationError:
        return ConfigurationError([Mistake(shown_path(self._path), 0, "(file)", "what can be rendered", got)])

    def missing(self) -> ConfigurationError:
        """The error of a chart that nobody here can render."""
        action = f"install it, or pipe it: {self.command} | envparity …, with extends = ['-']"
        mistake = Mistake(shown_path(self._path), 0, "(file)", f"{self.called}, which renders it", "none here", action)
        return ConfigurationError([mistake])


def rendering_of(path: Path) -> Rendering | None:
    """How that is rendered: a chart, its file of values, a folder with a kustomization; None: it stands as it is."""
    if (path / _CHART).is_file():
        return Rendering(path, ("helm", "template", _release(path), str(path)))
    if path.is_file() and path.name.startswith("values") and (path.parent / _CHART).is_file():
        chart = path.parent
        return Rendering(path, ("helm", "template", _release(chart), str(chart), "--values", str(path)))
    if kustomization_in(path) is not None:
        return Rendering(path, ("kustomize", "build", str(path)), ("kubectl", "kustomize", str(path)))
    return None


def kustomization_in(folder: Path) -> Path | None:
    """The file that makes that folder a kustomization; None where none does."""
    return next((folder / name for name in KUSTOMIZATIONS if (folder / name).is_file()), None)


def folders_of(path: Path, deep: int = 0) -> Iterator[Path]:
    """The folders that a kustomization is made of, those that it builds on first."""
    named = kustomization_in(path)
    for document in documents(named) if named is not None and deep < _DEEPEST else []:
        for key in ("resources", "bases", "components"):
            listed = document.at(key)
            for entry in listed.items if listed is not None else []:
                folder = Path(os.path.normpath(path / (entry.text or "")))
                if folder.is_dir():
                    yield from folders_of(folder, deep + 1)
    yield path


def generated(folder: Path) -> Iterator[tuple[str, dict[str, Node]]]:
    """The ConfigMaps that a kustomization makes of what it says itself, or of files of variables: name and values."""
    named = kustomization_in(folder)
    for document in documents(named) if named is not None else []:
        listed = document.at("configMapGenerator")
        for entry in listed.items if listed is not None else []:
            literals, files = entry.at("literals"), entry.at("envs")
            said = [(each.text or "", each.path, each.line) for each in (literals.items if literals else [])]
            for each in files.items if files is not None else []:
                file = folder / (each.text or "")
                content = bounded_content(file) if file.is_file() else None
                lines = (content or b"").decode(errors="replace").splitlines()
                said += [(line.strip(), file, number) for number, line in enumerate(lines, start=1)]
            parts = ((text.partition("="), path, line) for text, path, line in said)
            yield (
                entry.text_at("name") or "",
                {name: Node(_unquoted(value), path, line) for (name, found, value), path, line in parts if found},
            )


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _release(chart: Path) -> str:
    name = re.sub(r"[^a-z0-9-]+", "-", chart.resolve().name.lower())
    return name.strip("-")[:_LONGEST_NAME].strip("-") or "release"


@cache
def standard_input() -> bytes:
    """All that stands there, read once. Raises `ConfigurationError` where nobody writes to it, or too much."""
    expected = f"objects of at most {LONGEST // 1024**2} MiB"
    action = "kustomize build … | envparity …"
    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigurationError([Mistake(str(STANDARD_INPUT), 0, "(file)", expected, "a terminal", action)])
    try:
        content = Reading(sys.stdin.fileno(), "stdin").whole(LONGEST)
        got = "" if content.strip() else "nothing"
    except OSError as error:
        got = error.strerror or type(error).__name__
    if got:
        raise ConfigurationError([Mistake(str(STANDARD_INPUT), 0, "(file)", expected, got, action)])
    return content
