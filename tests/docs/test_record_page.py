"""What docs/record.md shows is what `envparity record` makes of it, and its options are those that there are."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import msgspec
from click.testing import CliRunner

from envparity.faces.cli.app import app
from envparity.recording.events import HttpExchange, MessageReceived, WebSocketClosed, WebSocketOpened
from tests.docs.pages import blocks, table
from tests.envparity.recording.rooms import Rooms, app_of, serving

PAGE = "docs/record.md"


def test_the_example_is_what_is_made_of_it(tmp_path: Path) -> None:
    """The lines of the page, by the command of the page, at a backend of rooms: the text of the page."""
    (lines,) = blocks(PAGE, "json")
    (tmp_path / "lines.ndjson").write_text(lines.text, encoding="utf-8")
    with serving(app_of(Rooms())) as port:
        options = ["--upstream", f"http://127.0.0.1:{port}", "--transcript", str(tmp_path / "lines.ndjson")]
        out = tmp_path / "recorded.toml"
        result = CliRunner().invoke(app, ["record", *options, "--out", str(out)])
    assert result.exit_code == 0, result.output
    (shown,) = blocks(PAGE, "toml")
    assert out.read_text(encoding="utf-8") == shown.text
    (said,) = blocks(PAGE, "text")
    assert [line for line in result.output.splitlines() if line.startswith("  ")] == said.text.splitlines()[3:]


def test_every_option_is_on_the_page() -> None:
    """With its default."""
    rows = {name: cells for names, cells in table(PAGE, "Options").items() for name in re.findall(r"--[\w-]+", names)}
    command = app.get_command(click.Context(app), "record")
    assert command is not None
    params = {parameter.opts[0]: parameter for parameter in command.params if isinstance(parameter, click.Option)}
    assert rows.keys() == params.keys()
    assert float(rows["--for"][0].strip("`")) == params["--for"].default
    assert rows["--name"][0].strip("`") == params["--name"].default


def test_the_commands_of_the_page_have_their_options() -> None:
    """Each is one that the parser takes."""
    command = app.get_command(click.Context(app), "record")
    assert command is not None
    for block in blocks(PAGE, "sh"):
        words = block.text.split()
        assert words[:2] == ["envparity", "record"]
        command.make_context("record", words[2:])


def test_the_keys_of_a_line_are_those_that_are_read() -> None:
    """For each kind, but for what every line may have."""
    keys = {names: cells[0] for names, cells in table(PAGE, "From a file").items()}
    kinds: dict[str, type[msgspec.Struct]] = {
        "open": WebSocketOpened,
        "sent": MessageReceived,
        "close": WebSocketClosed,
        "http": HttpExchange,
    }
    for name, kind in kinds.items():
        (row,) = [cell for names, cell in keys.items() if name in re.findall(r"\w+", names)]
        named = set(re.findall(r"`([a-z_0-9]+)`", row)) - {"client", "server"}
        fields = {field.encode_name for field in msgspec.structs.fields(kind)}
        assert named == fields - {"at_s", "connection"}, name


def test_what_is_shown_can_be_read() -> None:
    """As TOML with a scenario."""
    (shown,) = blocks(PAGE, "toml")
    assert tomllib.loads(shown.text)["scenario"][0]["name"] == "recorded"
