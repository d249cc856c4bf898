"""An AsyncAPI document of the project's own is its contract, and says the path where no code does."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.config.backend import load_backend
from envparity.faces.cli.app import app

DOCUMENT = """\
asyncapi: 3.0.0
info: {title: Chat, version: "1"}
channels:
  chat:
    address: /rooms/{room}/ws
    parameters: {room: {}}
    messages: {said: {payload: {type: object, properties: {type: {const: said}}}}}
operations:
  say: {action: send, channel: {$ref: "#/channels/chat"}}
"""


@pytest.mark.parametrize("name", ["asyncapi.yaml", "docs/chat.asyncapi.yml"])
def test_a_document_is_the_contract(tmp_path: Path, name: str) -> None:
    """With the path of its channel; what is called so and is none is passed over."""
    (tmp_path / "docs").mkdir()
    (tmp_path / name).write_text(DOCUMENT)
    (tmp_path / "docs" / "asyncapi-notes.json").write_text("{}")
    (tmp_path / "Procfile").write_text("web: serve $PORT\n")
    result = CliRunner().invoke(app, ["init", str(tmp_path), "--yes", "--no-run"])
    assert result.exit_code == 0, result.output
    written = tomllib.loads((tmp_path / "backend.toml").read_text())
    assert written["contract"] == {"document": name, "view": "server"}
    assert written["websocket_path"] == "/rooms/{uuid:room}/ws"
    assert load_backend(tmp_path / "backend.toml").contract is not None


def test_whoever_wants_none_says_so(tmp_path: Path) -> None:
    (tmp_path / "asyncapi.yaml").write_text(DOCUMENT)
    options = ["--yes", "--no-run", "--contract", "none", "--command", "serve {port}"]
    assert CliRunner().invoke(app, ["init", str(tmp_path), *options]).exit_code == 0
    assert "contract" not in tomllib.loads((tmp_path / "backend.toml").read_text())
