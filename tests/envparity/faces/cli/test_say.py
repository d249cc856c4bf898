"""What commands print goes through one place: nothing that others wrote moves a cursor or is a command to a runner."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import envparity.faces.cli
from envparity.engine.session import engine
from envparity.faces.cli.app import app
from envparity.faces.cli.blame import _Trial
from envparity.launch import upkeep

_HOSTILE = "\x1b[2J\x1b]0;title\x07\u202eturned\r::error::forged::\n::set-output name=a::b ##[error]x"


def _plain(result: Result) -> bool:
    said = result.stdout + result.stderr
    commands = [line for line in said.splitlines() if line.lstrip().startswith("::") or "##[" in line]
    return not set(said) & set("\x1b\x07\u202e\r") and not commands and bool(said)


def test_nothing_is_printed_but_by_say() -> None:
    """`click.echo` stands in one place; `diff` prints tables of what it has spelled out."""
    for file in Path(envparity.faces.cli.__file__).parent.glob("*.py"):
        called = list(_called(ast.parse(file.read_text(encoding="utf-8"))))
        assert called.count("echo") == (1 if file.name == "ending.py" else 0), file.name
        assert not {"secho", "echo_via_pager"} & set(called), file.name


def _called(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@pytest.mark.parametrize(("command", "replaced"), [("sweep", "remove_leftovers"), ("images", "build_images")])
def test_what_others_wrote_is_spelled_out(command: str, replaced: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, replaced, lambda *_arguments, **_options: [_HOSTILE])
    monkeypatch.setattr(engine, "load", lambda *_arguments: None)
    files = ["--backend", __file__, "--environments", str(Path(__file__).parent)] if command == "images" else []
    assert _plain(CliRunner().invoke(app, [command, *files]))


def test_titles_of_commits_are_spelled_out(capsys: pytest.CaptureFixture[str]) -> None:
    trial = _Trial.__new__(_Trial)
    trial._history = type("History", (), {"title": lambda *_arguments: _HOSTILE})()
    trial.tell("abc", 1, None)
    trial.tell("abc", 1, "red")
    out, err = capsys.readouterr()
    assert not set(out + err) & set("\x1b\x07\u202e\r")


def test_names_in_files_are_spelled_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the messages of mistakes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "environments").mkdir()
    (tmp_path / "backend.toml").write_text('"\\u001b[2J" = 1\nname = "\\u202e::error::x::"\n', encoding="utf-8")
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 2
    assert _plain(result)
    assert _plain(CliRunner().invoke(app, ["doctor"]))
