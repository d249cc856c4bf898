"""A kept cluster of PostgreSQL that is not as it was kept is made anew, and the next one is a copy again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from envparity.dependencies import postgres_cluster
from envparity.dependencies.postgres_cluster import copy_cluster

CONTENT = {"PG_VERSION": "15\n", "base/1/1259": "pages"}


def _replaced(kept: Path) -> None:
    shutil.rmtree(kept)
    kept.touch()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a file is cut": lambda kept: (kept / "data/base/1/1259").write_text("pag", encoding="utf-8"),
    "a file is another of the same length": lambda kept: (kept / "data/PG_VERSION").write_text(
        "16\n", encoding="utf-8"
    ),
    "a file is gone": lambda kept: (kept / "data/base/1/1259").unlink(),
    "a file is new": lambda kept: (kept / "data/postmaster.pid").write_text("1", encoding="utf-8"),
    "a folder is open": lambda kept: (kept / "data").joinpath("base").chmod(0o777),
    "its data is gone": lambda kept: shutil.rmtree(kept / "data"),
    "nothing says that it is whole": lambda kept: (kept / "complete").unlink(),
    "what says so is empty": lambda kept: (kept / "complete").write_bytes(b""),
    "what says so is no text": lambda kept: (kept / "complete").write_bytes(b"\xff\x00"),
    "what says so is cut": lambda kept: (kept / "complete").write_text("0", encoding="ascii"),
    "it is a file": _replaced,
}


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Every cluster that is made, and not copied."""
    clusters: list[Path] = []

    def make(_programs: Path, data: Path, _user: int | None, *, behind_tls: bool) -> None:
        assert not behind_tls
        clusters.append(data)
        for name, content in CONTENT.items():
            (data / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (data / name).write_text(content, encoding="utf-8")

    monkeypatch.setattr(postgres_cluster, "_make", make)
    monkeypatch.setattr(postgres_cluster, "_name", lambda *_, **__: "postgres")
    monkeypatch.setenv("ENVPARITY_CACHE", str(tmp_path / "cache"))
    return clusters


def copied(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What a process gets that has looked at no kept cluster yet."""
    monkeypatch.setattr(postgres_cluster, "_sound", set())
    data = folder / name
    copy_cluster(folder, data, None, behind_tls=False)
    files = [path for path in data.rglob("*") if path.is_file()]
    return {file.relative_to(data).as_posix(): file.read_text(encoding="utf-8") for file in files}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cluster_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[Path], damage: str
) -> None:
    assert copied(tmp_path, "first", monkeypatch) == CONTENT
    assert copied(tmp_path, "second", monkeypatch) == CONTENT
    assert len(made) == 1
    DAMAGES[damage](tmp_path / "cache/clusters/postgres")
    assert copied(tmp_path, "third", monkeypatch) == CONTENT
    assert len(made) == 2
    assert copied(tmp_path, "fourth", monkeypatch) == CONTENT
    assert len(made) == 2
