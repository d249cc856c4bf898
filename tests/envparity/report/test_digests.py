"""What a saved run says of the files and the commit that it was about: what a deployment holds against its own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from envparity.config.project import load_project
from envparity.report.revision import revision_of
from envparity.report.saved_project import SavedProject, saved_project


def git(folder: Path, *arguments: str) -> str:
    command = [shutil.which("git") or "git", "-c", "user.name=n", "-c", "user.email=n@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=300).stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two environments, one of which takes a file of variables and has a template."""
    monkeypatch.chdir(tmp_path)
    Path("backend.toml").write_text('name = "chat"\n[image]\nname = "chat:1"\n', encoding="utf-8")
    Path("environments").mkdir()
    Path(".env").write_text("PASSWORD=swordfish\n", encoding="utf-8")
    Path("environments/motd").write_text("hello\n", encoding="utf-8")
    Path("environments/local.toml").write_text('name = "local"\n', encoding="utf-8")
    Path("environments/staging.toml").write_text(
        'name = "staging"\nextends = ["../.env"]\n[files."/etc/motd"]\ntemplate = "motd"\n', encoding="utf-8"
    )
    return tmp_path


def saved(folder: Path, only: tuple[str, ...] = (), repeat: int = 1) -> SavedProject:
    project = load_project(folder / "backend.toml", folder / "environments")
    return saved_project(project, folder / "environments", only=only, repeat=repeat)


def test_every_file_that_was_read_has_its_digest(project: Path) -> None:
    """But those of variables: who can guess a password could tell from a digest that it is the one."""
    kept = saved(project, ("a*",), 3)
    names = {"backend.toml", "environments/local.toml", "environments/staging.toml", "environments/motd"}
    assert set(kept.files) == names
    assert all(kept.files[name] == hashlib.sha256((project / name).read_bytes()).hexdigest() for name in names)
    assert (kept.only, kept.repeat) == (("a*",), 3)


def test_the_commit_is_that_of_the_repository_and_whether_it_is_clean(project: Path) -> None:
    """A tracked file that was changed is not of the commit; one that nobody tracks does not matter."""
    assert revision_of(project) is None
    git(project, "init", "--quiet")
    assert saved(project).revision is None
    git(project, "add", "backend.toml", "environments")
    git(project, "commit", "--quiet", "--message", "A project")
    kept = saved(project).revision
    assert kept is not None
    assert (kept.commit, kept.clean) == (git(project, "rev-parse", "HEAD"), True)
    (project / "environments" / "motd").write_text("good day\n", encoding="utf-8")
    changed = saved(project).revision
    assert changed is not None
    assert not changed.clean
