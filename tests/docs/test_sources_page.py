"""What docs/sources.md says of each source is what it reads, gives and lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.doors import built_in_entries
from envparity.faces.cli.app import app
from envparity.model.environment import Composed
from envparity.sources.source import SOURCES
from tests.docs.pages import blocks
from tests.envparity.sources.reading import environment, notes, put

PAGE = Path("docs/sources.md").absolute()
DEPLOYMENT = """\
services:
  api:
    environment:
      JWT_SECRET: ${JWT_SECRET}
      URL: postgresql+asyncpg://app:pw@db:5432/app?timeout=5
      CACHE: redis://cache:6379/1
      BROKERS: cache:6379,elsewhere:1
      DB_HOST: db
      DB_PORT: "5432"
      DB_USER: app
      DB_PASSWORD: pw
      DB_NAME: app
  db: {image: postgres}
  cache: {image: redis}
"""


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below that heading, without its head; `|` as it is meant."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    lines = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert lines is not None
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in lines[0].splitlines()[2:]]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in cells]


def test_every_source_is_on_the_page() -> None:
    """With a file that it reads, and a part of the page where it reads more than variables."""
    named = dict(re.findall(r"^\| `(\w[\w-]*)` \| `([^`]+)`", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(built_in_entries("envparity.sources")) <= set(named)
    for name in built_in_entries("envparity.sources"):
        assert SOURCES.get(name).reads(Path(named[name]))


def test_settings_become_what_the_page_says(tmp_path: Path) -> None:
    """Each example of the table."""
    put(tmp_path, compose__yaml=DEPLOYMENT)
    settings = environment(tmp_path, "compose.yaml#api").settings
    templates = {made.template for made in settings.values() if isinstance(made, Composed)}
    shown = [re.findall(r"`([^`]+)`", row[1]) for row in rows("## Settings that name a server")]
    assert templates == {template for cell in shown for template in cell}
    literal = DEPLOYMENT.replace('"', "")
    assert all(value.partition("=")[2] in literal for value in re.findall(r"`(\w+=[^`]+)`", PAGE.read_text("utf-8")))


def test_the_example_is_an_environment(tmp_path: Path) -> None:
    """What it says itself is not listed as unknown."""
    put(tmp_path, compose__yaml=DEPLOYMENT, __env__staging="LOG=json\n")
    (tmp_path / "environments").mkdir()
    example = next(block.text for block in blocks(str(PAGE), "toml"))
    own = example.partition("\n\n")[2]
    made = environment(tmp_path / "environments", "../compose.yaml#api", "../.env.staging", own=own)
    assert notes(made, known=False) == {}
    assert made.settings["LOG"] == "json"
    assert made.places["settings.LOG"] == f"{tmp_path}/.env.staging:1"


def test_the_example_extends_another_environment(tmp_path: Path) -> None:
    """Its own key is joined with what the base says of the same server."""
    (example,) = [block.text for block in blocks(str(PAGE), "toml") if "base.toml" in block.text]
    put(tmp_path, compose__yaml=DEPLOYMENT, environments___base__toml='extends = ["../compose.yaml#api"]\n')
    made = environment(tmp_path / "environments", "base.toml", own=example.partition("\n\n")[2])
    assert made.dependencies["postgres"].latency_ms == 20
    assert made.settings["LOG_LEVEL"] == "info"
    assert made.places["dependencies.postgres"] == f"{tmp_path}/environments/staging.toml:6"


STAGING = """\
services:
  api:
    image: api
    mem_limit: 256m
    environment:
      LOG_LEVEL: info
"""
BACKEND = """\
name = "api"
image = { name = "api" }
health = { live = false, ready = false, startup = false, metrics = false }
scenario = [{ name = "connect", title = "is let in", steps = [{ connect = "none" }, { close = 1000 }] }]
"""


def shown(command: str) -> tuple[list[str], str]:
    """The arguments of the example that runs that command, and what it prints."""
    text = next(block.text for block in blocks(str(PAGE), "text") if f"envparity {command}" in block.text)
    first, _, printed = text.partition("\n")
    return first.removeprefix("$ envparity ").split(), printed


def project(folder: Path, typed: str) -> None:
    """A backend with an environment that is called staging."""
    put(folder, backend__toml=BACKEND, environments___staging__toml=typed, compose__staging__yaml=STAGING)


def test_what_drifted_is_printed_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line, with exit code 1."""
    project(tmp_path, 'name = "staging"\n[settings]\nLOG_LEVEL = "debug"\n')
    monkeypatch.chdir(tmp_path)
    arguments, printed = shown("import")
    result = CliRunner().invoke(app, arguments, prog_name="envparity")
    assert (result.exit_code, result.output.strip()) == (1, printed.strip())


def test_an_environment_is_exported_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written, and what to do next."""
    project(tmp_path, 'name = "staging"\n[settings]\nLOG_LEVEL = "debug"\n')
    monkeypatch.chdir(tmp_path)
    arguments, printed = shown("export")
    result = CliRunner().invoke(app, arguments, prog_name="envparity")
    assert (result.exit_code, result.output.strip()) == (0, printed.strip())
    assert (tmp_path / "by-hand" / "compose.yaml").is_file()
