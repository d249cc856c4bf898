"""What docs/sources.md says of each source is what it reads, gives and lists."""

from __future__ import annotations

import re
from pathlib import Path

from envparity.doors import built_in_entries
from envparity.model.environment import Composed
from envparity.sources.source import SOURCES
from tests.docs.pages import blocks
from tests.envparity.sources.reading import environment, notes, put

PAGE = Path("docs/sources.md")
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
    (example,) = [block.text for block in blocks(str(PAGE), "toml")]
    own = example.partition("\n\n")[2]
    made = environment(tmp_path / "environments", "../compose.yaml#api", "../.env.staging", own=own)
    assert notes(made, known=False) == {}
    assert made.settings["LOG"] == "json"
    assert made.places["settings.LOG"] == f"{tmp_path}/.env.staging:1"
