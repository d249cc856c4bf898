"""Reads an environment that extends files of a deployment, and what `diff` says of two."""

from __future__ import annotations

import sys
from pathlib import Path

from envparity.config.environment import load_environment
from envparity.errors import Mistake
from envparity.faces.cli.diff_sections import sections
from envparity.model.backend import Backend
from envparity.model.environment import Environment
from envparity.model.project import Project

__all__ = ["differing", "environment", "mistakes", "notes", "place", "program", "put"]


def put(folder: Path, **files: str) -> None:
    """Write the files: `api__yaml` is `api.yaml`, `k8s___a__yaml` is `k8s/a.yaml`."""
    for name, text in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _read(folder: Path, name: str, extends: tuple[str, ...], own: str) -> tuple[Environment | None, list[Mistake]]:
    file = folder / f"{name}.toml"
    named = ", ".join(f'"{entry}"' for entry in extends)
    file.write_text(f'name = "{name}"\nextends = [{named}]\n{own}', encoding="utf-8")
    return load_environment(file)


def environment(folder: Path, *extends: str, name: str = "staging", own: str = "") -> Environment:
    """The environment that extends these files, in which nothing is wrong."""
    made, wrong = _read(folder, name, extends, own)
    assert [str(mistake) for mistake in wrong] == []
    assert made is not None
    return made


def mistakes(folder: Path, *extends: str, own: str = "") -> list[Mistake]:
    """What is wrong with it."""
    return _read(folder, "staging", extends, own)[1]


def place(made: Environment, key: str) -> str:
    """The name of the file and the line of a value: `compose.yaml:3`."""
    return made.places[key].rpartition("/")[2]


def notes(made: Environment, *, known: bool) -> dict[str, str]:
    """What it says that no boot takes, or that only the platform knows, by name."""
    return {note.name: note.text for note in made.notes if note.known is known}


def differing(here: Environment, there: Environment) -> dict[str, tuple[str, str]]:
    """What `diff` says of the two, by section and name, with files by their last names."""
    project = Project(Backend("api", Path("backend.toml")), {here.name: here, there.name: there})
    return {
        f"{section.title}: {row.name}": (_short(row.here), _short(row.there))
        for section in sections(project)
        for row in section.rows
    }


def _short(shown: str) -> str:
    value, opened, at = shown.rpartition(" (")
    return f"{value} ({at.rpartition('/')[2]}" if opened else shown


def program(folder: Path, name: str, text: str, code: int = 0) -> None:
    """One that writes down what it was asked, and prints that text: on stderr where it fails."""
    file = folder / name
    stream = "stdout" if code == 0 else "stderr"
    script = f"import sys\nopen({str(folder / 'asked')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
    script += f"sys.{stream}.write({text!r})\nsys.exit({code})\n"
    file.write_text(f"#!{sys.executable}\n{script}")
    file.chmod(0o755)
