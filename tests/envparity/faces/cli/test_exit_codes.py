"""What a shell or a CI job sees: exit code, and one message."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from envparity.engine.session.exits import code_of
from envparity.errors import DeadlineExceeded, EngineUnavailable, EnvparityError, Interrupted, LaunchError
from envparity.judge.finding import Finding

Envparity = Callable[..., Result]


def test_clean_is_0(envparity: Envparity) -> None:
    """A clean verdict exits 0, and its headline is on stdout."""
    result = envparity("run")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "\nCLEAN\n" in result.stdout


def test_findings_are_1(envparity: Envparity, fake: Any) -> None:
    """A red verdict exits 1."""
    fake.findings = (Finding("EP101", "startup validation failed", "postgres", "pass", "fail", ("local",), ("local",)),)
    result = envparity("run")
    assert result.exit_code == 1
    assert "\nRED: 1 finding\n" in result.stdout
    assert "EP101 startup validation failed" in result.stdout


@pytest.mark.parametrize(
    "error",
    [
        EngineUnavailable("no container engine answers at /sock"),
        LaunchError("no image"),
        DeadlineExceeded("a network", 60),
    ],
)
def test_what_is_the_machines_is_3(envparity: Envparity, fake: Any, error: EnvparityError) -> None:
    """No verdict for a reason that is not the backend's: exit 3, the reason, and what to do."""
    fake.error = error
    result = envparity("run")
    assert result.exit_code == 3
    assert str(error) in result.stderr
    assert "not about the backend" in result.stderr or "not about the backend under test" in result.stderr
    assert "CLEAN" not in result.stdout


def test_ctrl_c_is_130_and_sigterm_143() -> None:
    """An interrupted run exits with 128 plus the signal, as a shell does (POSIX 2.8.2)."""
    assert [code_of(Interrupted(number)) for number in (2, 15)] == [130, 143]


@pytest.mark.parametrize("command", ["run", "check", "images"])
@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("backend.toml", "name = ", "backend.toml"),
        ("backend.toml", 'name = "chat"\nnmae = "x"\n[image]\nname = "chat:1"\n', "nmae"),
        ("environments/staging.toml", 'name = "staging"\nunknown = 1\n', "unknown"),
        ("environments/staging.toml", 'name = "staging"\n[platform]\nport = "x"\n', "port"),
        ("environments/staging.toml", 'name = "other"\n', "staging.toml"),
    ],
)
def test_a_bad_file_is_2(
    envparity: Envparity, fake: Any, files: Path, command: str, name: str, content: str, told: str
) -> None:
    """A mistake in a file is told by file and key, on stderr; nothing is started."""
    (files / name).write_text(content, encoding="utf-8")
    result = envparity(command)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert fake.asked == []


def test_all_mistakes_of_all_files_are_one_message(envparity: Envparity, files: Path) -> None:
    """Two files, three mistakes, one message."""
    (files / "backend.toml").write_text('name = "chat"\nnmae = "x"\n[image]\nname = "chat:1"\n', encoding="utf-8")
    (files / "environments/staging.toml").write_text(
        'name = "staging"\nfoo = 1\n[platform]\nport = "x"\n', encoding="utf-8"
    )
    result = envparity("run")
    assert result.exit_code == 2
    assert result.stderr.startswith("envparity: 3 mistakes in the configuration; nothing was started\n")
    assert all(name in result.stderr for name in ("nmae", "foo", "port"))
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "--environment", "stagign"), "staging"),
        (("run", "--only", "greetign"), "greeting"),
        (("run", "--backend", "nowhere.toml"), "nowhere.toml"),
        (("run", "--environments", "nowhere"), "nowhere"),
        (("run", "--launcher", "cloud"), "'auto', 'container'"),
        (("run", "--ndjson", "nowhere/run.ndjson"), "nowhere/run.ndjson"),
        (("run", "--unknown"), "--unknown"),
        (("run", "superfluous"), "superfluous"),
        (("unknown",), "unknown"),
    ],
)
def test_a_bad_command_line_is_2(envparity: Envparity, fake: Any, arguments: tuple[str, ...], told: str) -> None:
    """What is wrong is named, and what would be right where that is near."""
    result = envparity(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr
    assert fake.asked == []


def test_nothing_to_run_is_2(
    envparity: Envparity, files: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In a folder without files, both that are missing are named, and the options that name them."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    result = envparity("run")
    assert result.exit_code == 2
    assert "2 mistakes" in result.stderr
    assert "--backend" in result.stderr
    assert "--environments" in result.stderr
    assert files.exists()


def test_an_environment_variable_can_be_wrong_too(envparity: Envparity, monkeypatch: pytest.MonkeyPatch) -> None:
    """ENVPARITY_LAUNCHER is checked like the option."""
    monkeypatch.setenv("ENVPARITY_LAUNCHER", "cloud")
    result = envparity("run")
    assert result.exit_code == 2
    assert "ENVPARITY_LAUNCHER" in result.stderr


def test_python_m_envparity_is_the_same_command(files: Path) -> None:
    """`python -m envparity` exits with the same codes as `envparity`."""
    (files / "backend.toml").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "envparity", "check"],
        capture_output=True,
        text=True,
        cwd=files,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("envparity: 1 mistake in the configuration")


def test_check_reads_the_contract(envparity: Envparity, files: Path) -> None:
    """A mistake in it is one in the input, with its line."""
    backend = files / "backend.toml"
    backend.write_text('contract = "asyncapi.yaml"\n' + backend.read_text())
    (files / "asyncapi.yaml").write_text("asyncapi: 3.0.0\nchannels:\n  a: [\n")
    result = envparity("check")
    assert result.exit_code == 2
    assert "asyncapi.yaml:4" in result.output
    (files / "asyncapi.yaml").write_text("asyncapi: 1.2.0\noperations: {}\n")
    result = envparity("check")
    assert result.exit_code == 2
    assert "asyncapi.yaml:1: #/asyncapi" in result.output


@pytest.mark.parametrize("command", [["rules"], ["init", "--yes", "--no-run", "--websocket-path", "/"]])
def test_a_stdout_that_nobody_reads_is_3(command: list[str], tmp_path: Path) -> None:
    """As of `envparity rules | head -1`: one sentence, and of what is not said nothing is written."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ran = subprocess.run(
            [sys.executable, "-m", "envparity", *command],
            cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (ran.returncode, ran.stderr.count(b"\n")) == (3, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["Dockerfile"]
