"""Whatever stands in DOCKER_HOST: where no engine can be there, it is the machine's, and said in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.faces.cli.app import app

EXAMPLE = Path(__file__).parents[2] / "docs/examples/teahouse"
ADDRESSES = [
    "::::", "tcp://", "unix://", "http://[::1", "tcp://127.0.0.1:99999", "unix:///etc/passwd", f"unix:///{'a' * 300}",
    "\x1b[2J", "fd://", "tcp://127.0.0.1:1#x", "nowhere:x", "tcp://\u202e:1",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(("command", "code"), [("run", 3), ("doctor", 3), ("sweep", 0)])
def test_an_address_that_is_none_is_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, command: str, code: int
) -> None:
    monkeypatch.chdir(shutil.copytree(EXAMPLE, tmp_path / "project"))
    monkeypatch.setenv("DOCKER_HOST", address)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    arguments = [command, "--launcher", "container"] if command == "run" else [command]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output[-900:]
    assert result.stderr.count("envparity: ") == (command == "run")
    assert not set(result.output) & set("\x1b\u202e")
