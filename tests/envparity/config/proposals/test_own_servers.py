"""Servers that files of variables name: each boot has its own, and the settings lead there."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from envparity.config.environment import load_environment
from envparity.config.proposals.own_servers import own_servers
from envparity.faces.cli.app import app
from envparity.model.environment import Composed, Environment

VARIABLES = """\
DATABASE_URL=postgresql+asyncpg://app:pw@localhost:5432/app
REDIS_HOST=127.0.0.1
REDIS_PORT=6379
REDIS_PASSWORD=
CACHE=redis://localhost:6379/1
RABBIT_HOST=queue
RABBIT_PORT=5672
RABBIT_USER=guest
RABBIT_PASSWORD=guest
REPLICA=postgres://app:pw@replica.example/app
API_HOST=0.0.0.0
API_PORT=8000
SMTP_HOST=localhost
SMTP_PORT=25
QUEUE_ADDRESS=localhost:4222
PAGE=localhost:3000
SITE=https://app.example:5432
"""


def written(folder: Path, variables: str) -> Environment:
    """The environment that `init` writes of a file of variables."""
    folder.mkdir(exist_ok=True)
    (folder / ".env").write_text(variables)
    (folder / "main.py").write_text("app = FastAPI()\n@app.websocket('/ws')\nasync def talk(socket): ...\n")
    result = CliRunner().invoke(app, ["init", str(folder), "--yes", "--no-run"])
    assert result.exit_code == 0, result.output
    made, wrong = load_environment(folder / "environments" / "local.toml")
    assert wrong == []
    assert made is not None
    return made


def test_what_names_a_server_leads_to_one_of_the_boots_own(tmp_path: Path) -> None:
    """By a URL's scheme, by a setting's name, by the port beside a host; nothing else is changed."""
    made = written(tmp_path, VARIABLES)
    assert {name: server.kind for name, server in made.dependencies.items()} == {
        "postgres": "postgres",
        "redis": "redis",
        "rabbitmq": "rabbitmq",
        "postgres-2": "postgres",
        "nats": "nats",
    }
    composed = {name: value.template for name, value in made.settings.items() if isinstance(value, Composed)}
    assert composed == {
        "DATABASE_URL": "postgresql+asyncpg://{postgres.user}:{postgres.password|urlencode}@{postgres.host}:"
        "{postgres.port}/{postgres.database}",
        "REDIS_HOST": "{redis.host}",
        "REDIS_PORT": "{redis.port}",
        "CACHE": "redis://{redis.host}:{redis.port}/1",
        "RABBIT_HOST": "{rabbitmq.host}",
        "RABBIT_PORT": "{rabbitmq.port}",
        "RABBIT_USER": "{rabbitmq.user}",
        "RABBIT_PASSWORD": "{rabbitmq.password}",
        "REPLICA": "postgres://{postgres-2.user}:{postgres-2.password|urlencode}@{postgres-2.host}:"
        "{postgres-2.port}/{postgres-2.database}",
        "QUEUE_ADDRESS": "{nats.host}:{nats.port}",
    }
    assert made.dependencies["redis"].password is False
    assert "app:pw" not in (tmp_path / "environments" / "local.toml").read_text()
    assert (made.settings["SMTP_PORT"], made.settings["API_HOST"]) == ("25", "0.0.0.0")  # noqa: S104


def test_each_server_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(VARIABLES)
    found = own_servers(tmp_path, [".env"]).found
    assert [(each.value, each.found_in) for each in found] == [
        ("postgres", ".env:1"),
        ("redis", ".env:2"),
        ("rabbitmq", ".env:6"),
        ("postgres-2", ".env:10"),
        ("nats", ".env:15"),
    ]


@pytest.mark.parametrize("files", [[".env", "compose.yaml#api"], ["none.env"], ["wrong.env"]])
def test_where_more_is_told_or_nothing_can_be_read_there_are_none(tmp_path: Path, files: list[str]) -> None:
    """A file of a deployment tells of servers itself, and a mistake is told by who loads the environment."""
    (tmp_path / ".env").write_text(VARIABLES)
    (tmp_path / "wrong.env").write_text(VARIABLES + "A=${NOBODY}\n")
    made = own_servers(tmp_path, files)
    assert (made.dependencies, made.settings) == ({}, {})


def test_a_port_that_is_left_empty_is_left_to_where_it_runs(tmp_path: Path) -> None:
    assert "PORT" not in written(tmp_path, "PORT=\nA=1\n").settings
