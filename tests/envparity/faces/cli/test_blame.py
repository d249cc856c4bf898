"""`envparity blame` on real git histories; what a commit shows is what its staging file says."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envparity.engine.events import Emit
from envparity.engine.session import engine
from envparity.errors import EngineUnavailable
from envparity.faces.cli.app import app
from envparity.judge.finding import Finding, Verdict
from envparity.launch.images.log import ImageError
from envparity.model.project import Project

Blame = Callable[..., Result]
FOUND = Finding("EP101", "startup validation failed", "auth", "passes", "fails", ("staging",), ("staging",))
OTHER = Finding("EP302", "departed", "chat", "101", "403", ("staging",), ("staging",))


def git(folder: Path, *arguments: str) -> str:
    program = shutil.which("git")
    assert program
    given = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        [program, *who, *arguments], cwd=folder, env=os.environ | given, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def commit(files: Path) -> Callable[..., str]:
    """Commit staging with that state; the commit's id."""
    git(files, "init", "--quiet")
    git(files, "add", "--all")
    git(files, "commit", "--quiet", "--message", "begin")
    number = 0

    def made(state: str) -> str:
        nonlocal number
        number += 1
        text = f'name = "staging"\n[settings]\nA = "1"\nSTATE = "{state}"\nNUMBER = "{number}"\n'
        (files / "environments/staging.toml").write_text("name = " if state == "wrong" else text, encoding="utf-8")
        git(files, "commit", "--quiet", "--all", "--message", f"{state} {number}")
        return git(files, "rev-parse", "HEAD")

    return made


@pytest.fixture
def booted() -> list[str]:
    """The states that were run, in that sequence."""
    return []


@pytest.fixture
def blame(booted: list[str], monkeypatch: pytest.MonkeyPatch) -> Blame:
    """Run `envparity blame` in that folder."""

    def to_verdict(project: Project, launcher: str, _emit: Emit, _asked: engine.RunRequest) -> Verdict:
        state = str(project.environments["staging"].settings.get("STATE", "clean"))
        booted.append(state)
        if state == "unbuildable":
            raise ImageError("backend", "the build failed")
        if state == "no room":
            raise EngineUnavailable("no engine")
        found = {"red": (FOUND,), "other": (OTHER,), "both": (FOUND, OTHER)}.get(state, ())
        return Verdict("0a1b2c3d", launcher, (), tuple(project.environments), 1, 1, 1, found, (), 1.0)

    monkeypatch.setattr(engine, "to_verdict", to_verdict)
    return lambda *arguments: CliRunner().invoke(app, ["blame", *arguments], prog_name="envparity")


def test_the_commit_is_named(commit: Callable[..., str], blame: Blame, booted: list[str]) -> None:
    """The first red one of nine, in as many runs as a bisection needs, beside both ends."""
    good, *_, bad = [commit(state) for state in ["clean"] * 5 + ["red"] * 5]
    result = blame(f"{good}..{bad}")
    assert result.exit_code == 0, result.output
    assert "made red by " in result.output
    assert result.output.rstrip().endswith("red 6")
    assert "EP101" in result.output
    assert len(booted) <= 2 + 4


@pytest.mark.parametrize("unbuildable", ["unbuildable", "wrong"])
def test_what_does_not_build_is_not_red(commit: Callable[..., str], blame: Blame, unbuildable: str) -> None:
    """An image that cannot be built, or files that are wrong, say nothing; their neighbours are tried."""
    good, *_, bad = [commit(state) for state in ["clean", "clean", unbuildable, "clean", "red", unbuildable, "red"]]
    result = blame(f"{good}..{bad}")
    assert result.exit_code == 0, result.output
    assert result.output.rstrip().endswith("red 5")


def test_where_only_unbuildable_ones_are_left_all_are_suspects(commit: Callable[..., str], blame: Blame) -> None:
    """Exit code 1, and nobody is named for what he may not have done."""
    good, *_, bad = [commit(state) for state in ["clean", "unbuildable", "unbuildable", "red"]]
    result = blame(f"{good}..{bad}")
    assert result.exit_code == 1
    assert "one of 3 commits" in result.output


def test_another_finding_does_not_count(commit: Callable[..., str], blame: Blame) -> None:
    """A commit that is red for another reason is clean in the light of the one that is looked for."""
    good, *_, bad = [commit(state) for state in ["clean", "other", "other", "both"]]
    assert blame(f"{good}..{bad}", "--finding", "ep101").output.rstrip().endswith("both 4")
    assert blame(f"{good}..{bad}", "--finding", OTHER.id).output.rstrip().endswith("other 2")


def test_the_repository_is_left_as_it_was(commit: Callable[..., str], blame: Blame, files: Path) -> None:
    """No checkout, no worktree, no ref; what is not committed does not count."""
    good, *_, bad = [commit(state) for state in ["clean", "clean", "red"]]
    (files / "environments/staging.toml").write_text("not even a file", encoding="utf-8")
    before = git(files, "status", "--short"), git(files, "for-each-ref"), git(files, "worktree", "list")
    assert blame(f"{good}..{bad}").exit_code == 0
    assert (git(files, "status", "--short"), git(files, "for-each-ref"), git(files, "worktree", "list")) == before


@pytest.mark.parametrize(
    ("states", "span", "said"),
    [
        (["clean", "clean"], "HEAD~1..HEAD", "expected BAD to be red, got clean"),
        (["red", "red"], "HEAD~1..HEAD", "expected GOOD without what BAD shows, got EP101-"),
        (["clean", "red"], "HEAD..HEAD~1", "HEAD does not come before HEAD~1"),
        (["clean", "red"], "HEAD..HEAD", "the same commit"),
        (["clean", "red"], "nowhere..HEAD", "nowhere: expected a commit, got no commit of that name"),
        (["clean", "red"], "HEAD", "expected GOOD..BAD, two commits"),
        (["clean", "red"], "HEAD~1...HEAD", "expected GOOD..BAD, two commits"),
        (["clean", "red"], "--output=x..HEAD", "No such option"),
    ],
)
def test_a_range_that_is_none_gets_one_message(
    commit: Callable[..., str], blame: Blame, states: list[str], span: str, said: str
) -> None:
    """Exit code 2, and what is wrong with it."""
    for state in states:
        commit(state)
    result = blame(span)
    assert result.exit_code == 2
    assert said in result.output


def test_no_such_finding_says_what_there_is(commit: Callable[..., str], blame: Blame) -> None:
    """BAD shows others."""
    good, bad = commit("clean"), commit("red")
    result = blame(f"{good}..{bad}", "--finding", "EP999")
    assert result.exit_code == 2
    assert f"expected BAD to show EP999, got red, but with {FOUND.id}" in result.output


def test_a_folder_outside_of_any_repository_is_refused(files: Path, blame: Blame) -> None:
    """There is no history to look into."""
    assert not (files / ".git").exists()
    result = blame("a..b")
    assert result.exit_code == 2
    assert "expected a git repository, got none" in result.output


def test_a_machine_that_cannot_run_gives_no_answer(commit: Callable[..., str], blame: Blame) -> None:
    """No commit is blamed for an engine that does not answer."""
    good, *_, bad = [commit(state) for state in ["clean", "no room", "red"]]
    result = blame(f"{good}..{bad}")
    assert result.exit_code == 3
    assert "made red" not in result.output
