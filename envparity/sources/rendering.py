"""Objects of Kubernetes as a program renders them: `helm template`, `kustomize build`; and what stands on stdin."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from envparity.errors import ConfigurationError, Mistake
from envparity.sources.yaml_nodes import documents
from envparity.toml.bounds import LONGEST
from envparity.toml.document import shown_path

__all__ = ["STANDARD_INPUT", "Rendering", "folders_of", "rendering_of", "standard_input"]

STANDARD_INPUT: Final = Path("<standard input>")
_KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_CHART: Final = "Chart.yaml"
_WITHIN_S: Final = 60.0
_MOST_SAID = 200
_DEEPEST = 10


class Rendering:
    """The program that renders a folder, or a chart with a file of values: what is asked for, and who can do it."""

    def __init__(self, path: Path, *ways: tuple[str, ...]) -> None:
        self._path, self._ways = path, ways
        self.is_chart = ways[0][0] == "helm"
        self.called = " or ".join(way[0] for way in ways)
        self.command = " ".join(ways[0])

    def content(self) -> bytes | None:
        """The objects; None where no such program is installed. Raises `ConfigurationError` where it fails."""
        way = next((way for way in self._ways if shutil.which(way[0]) is not None), None)
        if way is None:
            return None
        try:
            ran = subprocess.run(way, capture_output=True, stdin=subprocess.DEVNULL, timeout=_WITHIN_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise self._failed(f"{way[0]} did not end: {type(error).__name__}") from None
        if ran.returncode != 0 or len(ran.stdout) > LONGEST:
            said = ran.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {ran.returncode}"]
            raise self._failed(f"{' '.join(way)}: {said[-1][:_MOST_SAID]}")
        return ran.stdout

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
    if any((path / name).is_file() for name in _KUSTOMIZATIONS):
        return Rendering(path, ("kustomize", "build", str(path)), ("kubectl", "kustomize", str(path)))
    return None


def folders_of(path: Path, deep: int = 0) -> Iterator[Path]:
    """The folders that a kustomization is made of, those that it builds on first."""
    named = next((path / name for name in _KUSTOMIZATIONS if (path / name).is_file()), None)
    for document in documents(named) if named is not None and deep < _DEEPEST else []:
        for key in ("resources", "bases", "components"):
            listed = document.at(key)
            for entry in listed.items if listed is not None else []:
                folder = path / (entry.text or "")
                if folder.is_dir():
                    yield from folders_of(folder, deep + 1)
    yield path


def _release(chart: Path) -> str:
    return re.sub(r"[^a-z0-9-]+", "-", chart.resolve().name.lower()).strip("-") or "release"


@cache
def standard_input() -> bytes:
    """All that stands there, read once. Raises `ConfigurationError` where nobody writes to it, or too much."""
    expected = f"objects of at most {LONGEST // 1024**2} MiB"
    action = "kustomize build … | envparity …"
    if sys.stdin is None or sys.stdin.isatty():
        raise ConfigurationError([Mistake(str(STANDARD_INPUT), 0, "(file)", expected, "a terminal", action)])
    content = sys.stdin.buffer.read(LONGEST + 1)
    if not content.strip() or len(content) > LONGEST:
        got = "more" if content.strip() else "nothing"
        raise ConfigurationError([Mistake(str(STANDARD_INPUT), 0, "(file)", expected, got, action)])
    return content
