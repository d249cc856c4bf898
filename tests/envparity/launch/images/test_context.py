"""Which files a build is given, and when an image gets another name."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from envparity.launch.images.context import ContextFile, archive, choose_files, content_hash, ignore_patterns


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small repository: a package with tests and caches, and things that no image wants."""
    for name in (
        "app/main.py",
        "app/core/startup.py",
        "app/core/tests/test_startup.py",
        "app/__pycache__/main.cpython-311.pyc",
        "app/.env",
        "docs/index.md",
        ".git/HEAD",
        "notes.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return tmp_path


def names(files: list[ContextFile]) -> list[str]:
    return [file.name for file in files]


def test_only_what_is_included_and_not_ignored_is_given(tree: Path) -> None:
    """Included folders are taken whole, ignored patterns leave them, and nothing else comes along."""
    assert names(choose_files(tree, ["app/**"], ["**/tests", "**/.*"])) == ["app/core/startup.py", "app/main.py"]
    assert names(choose_files(tree, ["app"])) == [
        "app/core/startup.py",
        "app/core/tests/test_startup.py",
        "app/main.py",
    ]
    assert names(choose_files(tree, ["**/*.md", "notes.txt"])) == ["docs/index.md", "notes.txt"]


def test_an_exclamation_mark_takes_a_file_back(tree: Path) -> None:
    """The ignore file is read as Docker reads one: the last pattern that matches decides."""
    assert names(choose_files(tree, ["app/**"], ["app/core", "!app/core/startup.py", "**/.env"])) == [
        "app/core/startup.py",
        "app/main.py",
    ]


def test_what_commonly_holds_secrets_is_left_out(tree: Path) -> None:
    """Unless it is included by its own path, or an ignore file takes it back."""
    secret = [
        ".env",
        "app/.env.production",
        "app/tls/server.key",
        "deploy/id_rsa",
        ".envparity/runs/1.ndjson",
        ".aws/c",
    ]
    for name in (*secret, "app/.env.example", "app/keyboard.py"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("canary", encoding="utf-8")
    given = names(choose_files(tree, ["**"]))
    assert set(given) & {*secret, "app/.env"} == set()
    assert {"app/.env.example", "app/keyboard.py", "app/main.py"} <= set(given)
    assert names(choose_files(tree, ["app/tls/server.key", ".env"])) == [".env", "app/tls/server.key"]
    assert "app/.env" in names(choose_files(tree, ["app"], ["!**/.env"]))


def test_a_link_out_of_the_tree_is_not_followed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A copy or an image has nothing of what is elsewhere on the machine; a link within the tree is followed."""
    outside = tmp_path_factory.mktemp("elsewhere") / "passwords"
    outside.write_text("canary", encoding="utf-8")
    (tree / "app" / "out").symlink_to(outside)
    (tree / "app" / "in").symlink_to(tree / "notes.txt")
    given = names(choose_files(tree, ["app"]))
    assert "app/in" in given
    assert "app/out" not in given


def test_version_control_and_bytecode_are_never_given(tree: Path) -> None:
    """Even where all is included and nothing ignored."""
    assert not [name for name in names(choose_files(tree, ["**"])) if ".git" in name or "__pycache__" in name]


def test_the_ignore_file_beside_the_dockerfile_comes_before_that_of_the_context(tree: Path) -> None:
    """So that one context can serve several images; comments and blank lines are no patterns."""
    (tree / ".dockerignore").write_text("docs\n", encoding="utf-8")
    dockerfile = tree / "Dockerfile"
    assert ignore_patterns(dockerfile, tree) == ["docs"]
    (tree / "Dockerfile.dockerignore").write_text("# why\n\n**/tests\n", encoding="utf-8")
    assert ignore_patterns(dockerfile, tree) == ["**/tests"]
    assert ignore_patterns(tree / "docs" / "Dockerfile", tree / "docs") == []


def test_the_hash_changes_with_content_path_executable_bit_and_facts(tree: Path) -> None:
    """And with nothing else: neither times nor a umask nor where the files lie."""
    files = choose_files(tree, ["app/**"])
    before = content_hash(files, "FROM debian")
    assert len(before) == 12
    assert content_hash(files, "FROM other") != before
    assert content_hash(files[1:], "FROM debian") != before
    assert content_hash([ContextFile("b", files[0].source)]) != content_hash([ContextFile("a", files[0].source)])

    main = tree / "app/main.py"
    os.utime(main, (1, 1))
    main.chmod(0o600)
    assert content_hash(files, "FROM debian") == before
    main.chmod(0o755)
    assert content_hash(files, "FROM debian") != before
    main.chmod(0o644)
    main.write_text("changed", encoding="utf-8")
    assert content_hash(files, "FROM debian") != before


def test_facts_do_not_run_into_each_other(tree: Path) -> None:
    """Moving text from one fact to the next is a change."""
    assert content_hash([], "ab", "c") != content_hash([], "a", "bc")


def test_the_archive_has_the_same_bytes_for_the_same_content(tree: Path) -> None:
    """Whatever the times and owners: the engine's cache then knows the steps again."""
    files = choose_files(tree, ["app/**"])
    texts = {".envparity/Dockerfile": "FROM debian:bookworm-slim\n"}
    first = archive(files, texts).getvalue()
    os.utime(tree / "app/main.py", (1, 1))
    (tree / "app/main.py").chmod(0o600)
    assert archive(list(reversed(files)), texts).getvalue() == first
    with tarfile.open(fileobj=archive(files, texts)) as tar:
        assert [member.name for member in tar] == [*names(files), ".envparity/Dockerfile"]
        assert {(member.uid, member.gid, member.mtime, member.mode) for member in tar} == {(0, 0, 0, 0o644)}
        dockerfile = tar.extractfile(".envparity/Dockerfile")
        assert dockerfile is not None
        assert dockerfile.read() == b"FROM debian:bookworm-slim\n"
