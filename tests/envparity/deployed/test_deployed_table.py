"""The table [deployed] of an environment file: what a good one says, and everything that can be wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.environment import Credential, Deployed
from envparity.environment_loader import load_environment
from envparity.errors import Mistake

GOOD = """\
name = "staging"
[deployed]
url = "wss://api.staging.example/ws"
health = "https://api.staging.example"
secret = { variable = "STAGING_JWT_SECRET" }
user = "probe"
max_connections_per_minute = 12
ca = "ca.pem"
"""


def mistakes_of(folder: Path, text: str) -> list[Mistake]:
    (folder / "ca.pem").touch()
    path = folder / "staging.toml"
    path.write_text(text)
    return load_environment(path)[1]


def test_a_good_table_becomes_plain_data(tmp_path: Path) -> None:
    """The bundle's path is found beside the file."""
    assert mistakes_of(tmp_path, GOOD) == []
    environment, _ = load_environment(tmp_path / "staging.toml")
    assert environment is not None
    assert environment.deployed == Deployed(
        url="wss://api.staging.example/ws",
        health="https://api.staging.example",
        secret=Credential(variable="STAGING_JWT_SECRET"),
        user="probe",
        max_connections_per_minute=12,
        ca=str(tmp_path / "ca.pem"),
    )


def test_a_command_is_a_list_of_arguments(tmp_path: Path) -> None:
    """Without a shell there is nothing to quote."""
    text = 'name = "staging"\n[deployed]\nurl = "ws://a:1"\ntoken = { command = ["gcloud", "a b"] }\n'
    assert mistakes_of(tmp_path, text) == []
    environment, _ = load_environment(tmp_path / "staging.toml")
    assert environment is not None
    assert environment.deployed == Deployed(url="ws://a:1", token=Credential(command=("gcloud", "a b")))


SECRET = 'secret = { variable = "STAGING_JWT_SECRET" }'

# What is replaced in the good file, by what, and the mistake: line, key, words of the message.
WRONG: dict[str, tuple[str, str, int, str, str]] = {
    "no url": ('url = "wss://api.staging.example/ws"\n', "", 2, "deployed.url", "no such key"),
    "http": ("wss://", "https://", 3, "deployed.url", "begins with ws:// or wss://, got https:"),
    "password": ("wss://", "wss://u:hunter2@", 3, "deployed.url", "no user or password"),
    "query": ("/ws", "/ws?token=hunter2", 3, "deployed.url", "no query"),
    "health of a socket": ('health = "https', 'health = "wss', 4, "deployed.health", "http:// or https://"),
    "literal secret": (SECRET, 'secret = "hunter2"', 5, "deployed.secret", "expected a table, got a string"),
    "both forms": (SECRET, 'secret = { variable = "A", command = ["b"] }', 5, "deployed.secret", "at most 1 key"),
    "neither form": (SECRET, "secret = {}", 5, "deployed.secret", "at least 1 key"),
    "bad variable": (SECRET, 'secret = { variable = "hunter2 !" }', 5, "deployed.secret.variable", "the name of"),
    "shell line": (SECRET, 'secret = { command = "cat hunter2" }', 5, "deployed.secret.command", "an array"),
    "empty command": (SECRET, "secret = { command = [] }", 5, "deployed.secret.command", "at least 1 of them"),
    "both credentials": ('user = "probe"', 'token = { variable = "T" }', 6, "deployed.token", "either secret or"),
    "blank user": ('"probe"', '"a b"', 6, "deployed.user", "whom the tokens"),
    "too often": ("= 12", "= 601", 7, "deployed.max_connections_per_minute", "at most 600"),
    "never": ("= 12", "= 0", 7, "deployed.max_connections_per_minute", "at least 1"),
    "no bundle": ("ca.pem", "no.pem", 8, "deployed.ca", "which is none"),
    "typing error": ("user =", "usr =", 6, "deployed.usr", "did you mean user"),
}


@pytest.mark.parametrize("case", WRONG)
def test_every_mistake_has_its_place_and_its_words(case: str, tmp_path: Path) -> None:
    """One thing wrong gives one mistake, which quotes nothing that may be a secret."""
    old, new, line, key, words = WRONG[case]
    (mistake,) = mistakes_of(tmp_path, GOOD.replace(old, new, 1))
    assert (mistake.line, mistake.key) == (line, key), str(mistake)
    assert words in str(mistake)
    assert "hunter2" not in str(mistake)


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    """Three lines, three mistakes."""
    text = GOOD.replace("wss", "ftp").replace("= 12", "= -1").replace("ca.pem", "no.pem")
    assert sorted(one.line for one in mistakes_of(tmp_path, text)) == [3, 7, 8]
