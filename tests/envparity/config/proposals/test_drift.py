"""`envparity import --check`: what the deployment's files say and environments that were typed by hand do not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from envparity.faces.cli.app import app

BACKEND = """\
name = "api"
[image]
dockerfile = "Dockerfile"
[health]
live = false
ready = false
startup = false
metrics = false
[[scenario]]
name = "connect"
title = "whoever comes is let in"
steps = [{ connect = "none" }, { close = 1000 }]
"""
COMPOSE = """\
services:
  api:
    build: .
    command: serve --workers 2
    mem_limit: 512m
    environment:
      LOG_LEVEL: info
      ORIGINS: '["https://a.example"]'
      DATABASE_URL: postgres://app:pw@db/app
      JWT_SECRET: ${JWT_SECRET:?is needed}
      API_KEY: 4f0f1a2b3c4d5e6f7a8b9c0d
    depends_on:
      migrate: {condition: service_completed_successfully}
      db: {condition: service_healthy}
  db: {image: postgres}
  migrate: {build: ., command: alembic upgrade head}
"""
TYPED = """\
name = "local"
arguments = ["serve", "--workers", "2"]
[settings]
LOG_LEVEL = "info"
ORIGINS = '["https://a.example"]'
DATABASE_URL = { from = "postgres.url" }
JWT_SECRET = { secret = 32 }
API_KEY = { secret = 32 }
[platform]
memory_mib = 512
[dependencies.postgres]
kind = "postgres"
[jobs.migrate]
command = ["alembic", "upgrade", "head"]
"""


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose one environment says what its compose file says."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM a\n")
    (tmp_path / "backend.toml").write_text(BACKEND)
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "environments" / "local.toml").write_text(TYPED)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(*arguments: str) -> Result:
    """What `envparity import --check` answers."""
    return CliRunner().invoke(app, ["import", "--check", *arguments], prog_name="envparity")


def drifted(*arguments: str) -> dict[str, tuple[str, str]]:
    """By key, where either side stands."""
    result = asked("--json", *arguments)
    assert result.exit_code == 1, result.output
    return {entry["key"]: (entry["deployed_at"], entry["typed_at"]) for entry in json.loads(result.output)}


@pytest.mark.usefixtures("team")
def test_what_says_the_same_is_clean() -> None:
    """A secret is one however it is made, and a URL whichever way it is composed."""
    assert asked("--service", "api").exit_code == 0
    assert json.loads(asked("--service", "api", "--json").output) == []


def test_every_value_that_drifted_is_told_with_both_places(team: Path) -> None:
    """What is not there is told with the table where it would stand."""
    typed = TYPED.replace('LOG_LEVEL = "info"', 'LOG_LEVEL = "debug"').replace("JWT_SECRET", "JWT_KEY")
    typed = typed.replace("memory_mib = 512", "cpus = 1").replace("ORIGINS = '[\"https://a.example\"]'\n", "")
    typed = typed.replace('"2"]', '"4"]').partition("[jobs.migrate]")[0]
    (team / "environments" / "local.toml").write_text(typed)
    assert drifted("--service", "api") == {
        "arguments": ("compose.yaml:4", "environments/local.toml:2"),
        "jobs.migrate": ("compose.yaml:16", "environments/local.toml:1"),
        "platform.memory_mib": ("compose.yaml:5", "environments/local.toml:8"),
        "settings.JWT_SECRET": ("compose.yaml:10", "environments/local.toml:3"),
        "settings.LOG_LEVEL": ("compose.yaml:7", "environments/local.toml:4"),
        "settings.ORIGINS": ("compose.yaml:8", "environments/local.toml:3"),
    }
    told = asked("--service", "api").output
    assert "4f0f1a2b3c4d5e6f7a8b9c0d" not in told
    assert "compose.yaml:7 says info, environments/local.toml:4 says debug" in told


def test_an_environment_that_extends_the_files_cannot_drift(team: Path) -> None:
    """What it says over them was meant."""
    extends = 'name = "local"\nextends = ["../compose.yaml#api"]\n[settings]\nJWT_SECRET = { secret = 32 }\n'
    (team / "environments" / "local.toml").write_text(extends + "[platform]\nmemory_mib = 256\n")
    assert asked("--service", "api").exit_code == 0


def test_files_of_an_environment_can_be_named(team: Path) -> None:
    """Where they are not called as it is."""
    (team / "deploy").mkdir()
    (team / "deploy" / "prod.env").write_text("LOG_LEVEL=warning\n")
    found = drifted("--environment", "local", "--from", "compose.yaml#api", "--from", "deploy/prod.env")
    assert found == {"settings.LOG_LEVEL": ("deploy/prod.env:1", "environments/local.toml:4")}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--from", "compose.yaml#api"),
        ("--environment", "local", "--from", "compose.yaml#none"),
        ("--environment", "local", "--from", "none.env"),
        ("--environment", "other"),
    ],
)
@pytest.mark.usefixtures("team")
def test_bad_input_is_exit_code_2(arguments: tuple[str, ...]) -> None:
    """No file, no part of it, no environment, or not one."""
    assert asked(*arguments).exit_code == 2


def test_where_no_file_tells_of_an_environment_nothing_is_clean(team: Path) -> None:
    """It is said, and what to do."""
    (team / "compose.yaml").unlink()
    result = asked()
    assert (result.exit_code, "--from" in result.output) == (2, True)
    assert CliRunner().invoke(app, ["import"], prog_name="envparity").exit_code == 2


def test_an_image_of_another_stage_is_told(team: Path) -> None:
    """With the file that it is built from: it ended envparity itself."""
    (team / "Dockerfile").write_text("FROM a AS dev\nFROM a\n")
    (team / "compose.yaml").write_text(COMPOSE.replace("build: .\n", "build: {context: ., target: dev}\n", 1))
    (found,) = (entry for entry in json.loads(asked("--service", "api", "--json").output) if entry["key"] == "image")
    assert {"dockerfile=Dockerfile", "target=dev"} <= set(found["deployed"].split(", "))
