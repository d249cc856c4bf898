"""What docs/first-verdict.md shows of `envparity init` is what it prints, and writes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.config.environment import load_environment
from envparity.faces.cli.app import app
from tests.docs.pages import blocks, page, tables

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


def test_what_the_readme_shows_of_the_two_commands_is_on_the_page() -> None:
    """All that `init` prints, and of the verdict what is not left out."""
    printed, verdict = (block.text.splitlines() for block in blocks(PAGE, "text")[:2])
    shown = next(block.text.splitlines() for block in blocks("README.md", "text") if "$ envparity init" in block.text)
    assert shown[1 : len(printed) + 1] == printed
    told = [line for line in shown[len(printed) + 1 :] if line and "[…]" not in line]
    assert told == [line for line in verdict if line in told]


def test_the_times_in_the_readme_are_those_of_the_page() -> None:
    """Of each shape of project that of `init` with its first run."""
    times = [row[1].split(",")[0].removesuffix(" s") for row in tables(PAGE)["What it takes"]]
    words = " ".join(page("README.md").split())
    paragraph = words[words.index("That takes ") : words.index("Without `--yes`")]
    assert {f"{time} s" for time in times} <= set(re.findall(r"\d+ s", paragraph))
    assert len(times) == 6
