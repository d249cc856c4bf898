"""Commands of scenarios, held against the kinds of dependency that environments have."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.project import load_project
from envparity.errors import ConfigurationError, Mistake
from envparity.model.step import Command

BACKEND = """\
name = "chat"
[image]
name = "chat:1"
[[scenario]]
name = "told"
steps = [
  { connect = "none" },
  { command = %s },
  { close = 1000 },
]
"""
ENVIRONMENT = """\
name = "local"
[dependencies.rows]
kind = "postgres"
[dependencies.bus]
kind = "nats"
[dependencies.queue]
kind = "rabbitmq"
[dependencies.cache]
kind = "memcached"
[dependencies.keys]
kind = "redis"
[dependencies.more]
kind = "mariadb"
[dependencies.idp]
kind = "identity-provider"
client_id = "x"
[dependencies.other]
kind = "image"
image = "redis:7"
port = 6379
"""


def loaded(folder: Path, command: str) -> Command:
    """The step that says so."""
    (folder / "environments").mkdir()
    (folder / "backend.toml").write_text(BACKEND % command)
    (folder / "environments" / "local.toml").write_text(ENVIRONMENT)
    (scenario,) = load_project(folder / "backend.toml", folder / "environments").backend.scenarios
    (step,) = (step for step in scenario.steps if isinstance(step, Command))
    return step


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('{ rows = "UPDATE t SET a = 1" }', ("UPDATE t SET a = 1",)),
        ('{ rows = ["UPDATE t SET a = $1", "{uuid:a}"] }', ("UPDATE t SET a = $1", "{uuid:a}")),
        ('{ more = "DELETE FROM t" }', ("DELETE FROM t",)),
        ('{ bus = ["PUB", "a.b", "{}"] }', ("PUB", "a.b", "{}")),
        ('{ queue = ["publish", "", "orders", "{}"] }', ("publish", "", "orders", "{}")),
        ('{ cache = "flush_all" }', ("flush_all",)),
        ('{ keys = ["ANY", "thing"] }', ("ANY", "thing")),
    ],
)
def test_a_command_that_its_kind_takes(command: str, words: tuple[str, ...], tmp_path: Path) -> None:
    assert loaded(tmp_path, command).words == words


@pytest.mark.parametrize(
    ("command", "expected", "got"),
    [
        ('{ bus = ["XADD", "a"] }', "one of PUB", "XADD a in local"),
        ('{ bus = "PUB" }', "PUB SUBJECT", "PUB in local"),
        ('{ queue = ["get", "orders"] }', "one of publish", "get orders in local"),
        ('{ cache = ["set", "a"] }', "set KEY VALUE", "set a in local"),
        ('{ other = ["PING"] }', "takes commands", "other, of the kind image, which has no commands"),
        ('{ idp = ["rotate", "1", "1"] }', "takes commands", "idp, whose keys"),
        ('{ rosw = "SELECT 1" }', "takes commands", "'rosw'"),
    ],
)
def test_what_no_server_there_does(command: str, expected: str, got: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, command)
    (mistake,) = caught.value.mistakes
    assert isinstance(mistake, Mistake)
    assert (mistake.line, mistake.key) == (8, "scenario told: steps[1].command")
    assert expected in mistake.expected
    assert got in mistake.got
