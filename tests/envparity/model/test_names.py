"""[[names]] of a backend's file: where a replica can show something, and nothing said twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.backend import load_backend, read_backend
from envparity.model.names import DeclaredName

PLAIN = 'name = "chat"\n[process]\ncommand = ["chat", "--port", "{port}"]\n'


def written(folder: Path, *names: str, more: str = "") -> Path:
    path = folder / "backend.toml"
    path.write_text(PLAIN + more + "".join(f"[[names]]\n{name}\n" for name in names))
    return path


def keys(path: Path) -> list[str]:
    backend, mistakes = read_backend(path)
    assert (backend is None) == bool(mistakes)
    return [mistake.key for mistake in mistakes]


def test_names_are_read_as_they_are_said(tmp_path: Path) -> None:
    """The same, where nothing else is said."""
    path = written(
        tmp_path,
        'path = "report.serviceId"\nacross = "boots"',
        'path = "health.*.instance"\nacross = "replicas"\nexpected = "different"',
        'path = "frames.welcome[[]v1].server"\nacross = "replicas"',
    )
    first, second, third = load_backend(path).names
    assert first == DeclaredName("report.serviceId", "boots", "same")
    assert second == DeclaredName("health.*.instance", "replicas", "different")
    assert third.covers("frames.welcome[v1].server")


@pytest.mark.parametrize("path", ["serviceId", "report", "health.up.node", "reports.serviceId", "conversation.*.x"])
def test_a_path_below_nothing_that_a_replica_shows_is_a_mistake(path: str, tmp_path: Path) -> None:
    assert keys(written(tmp_path, f'path = "{path}"\nacross = "boots"')) == ["names[0].path"]


@pytest.mark.parametrize("path", ["report.serviceId", "health.live.node"])
def test_a_path_that_the_backend_does_not_have_is_a_mistake(path: str, tmp_path: Path) -> None:
    """A glob may mean another one that it has."""
    none = "[health]\nlive = false\nstartup = false\n"
    assert keys(written(tmp_path, f'path = "{path}"\nacross = "boots"', more=none)) == ["names[0].path"]
    assert keys(written(tmp_path, 'path = "health.*.node"\nacross = "boots"', more=none)) == []


def test_what_is_said_twice_or_both_ways_is_a_mistake(tmp_path: Path) -> None:
    said = 'path = "report.serviceId"\nacross = "boots"'
    assert keys(written(tmp_path, said, said)) == ["names[1].path"]
    assert keys(written(tmp_path, said, f'{said}\nexpected = "different"')) == ["names[1].path"]
    assert keys(written(tmp_path, said, said.replace("boots", "replicas"))) == []


def test_what_is_neither_boots_nor_replicas_is_a_mistake(tmp_path: Path) -> None:
    assert keys(written(tmp_path, 'path = "report.serviceId"\nacross = "regions"')) == ["names[0].across"]
    assert keys(written(tmp_path, 'path = "report.serviceId"')) == ["names[0].across"]
