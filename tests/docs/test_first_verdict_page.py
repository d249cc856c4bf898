"""What docs/first-verdict.md shows of `envparity init` is what it prints, and writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.config.environment import load_environment
from envparity.faces.cli.app import app
from tests.docs.pages import blocks

PAGE = "docs/first-verdict.md"


def made(folder: Path) -> Path:
    """The project of the page."""
    files = {"server.js": blocks(PAGE, "js")[0].text, "Dockerfile": blocks(PAGE, "dockerfile")[0].text}
    for block in blocks(PAGE, "yaml"):
        files[block.text.splitlines()[0].removeprefix("# ")] = block.text
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_what_init_prints_is_on_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line; and the difference that the page declares is one that an environment's file may."""
    monkeypatch.chdir(made(tmp_path / "live"))
    shown = blocks(PAGE, "text")[0].text.splitlines()
    result = CliRunner().invoke(app, [*shown[0].split()[2:], "--no-run"])
    assert result.output.splitlines() == shown[1:]
    file = Path("environments/staging.toml")
    file.write_text(file.read_text(encoding="utf-8") + blocks(PAGE, "toml")[0].text, encoding="utf-8")
    environment, wrong = load_environment(file)
    assert (wrong, environment is not None and environment.platform.memory_mib) == ([], 128)
