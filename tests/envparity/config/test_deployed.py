"""The table [deployed] of an environment file: what a good one says, and everything that can be wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from envparity.config.environment import load_environment
from envparity.errors import Mistake
from envparity.model.deployment import Credential, Deployed, OAuth2

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


def test_a_certificate_is_shown_by_tls_alone(tmp_path: Path) -> None:
    """Of a client that speaks no TLS nobody would ever see it."""
    text = 'name = "staging"\n[deployed]\nurl = "URL"\nclient_certificate = "ca.pem"\nclient_key = "ca.pem"\n'
    (mistake,) = mistakes_of(tmp_path, text.replace("URL", "ws://a"))
    assert (mistake.line, mistake.key) == (4, "deployed.client_certificate")
    assert mistakes_of(tmp_path, text.replace("URL", "wss://a")) == []
    environment, _ = load_environment(tmp_path / "staging.toml")
    file = str(tmp_path / "ca.pem")
    assert environment is not None
    assert environment.deployed == Deployed("wss://a", client_certificate=file, client_key=file)


def test_a_token_endpoint_of_this_machine_needs_no_tls(tmp_path: Path) -> None:
    """For trying it out."""
    oauth2 = '{ token_url = "http://localhost:1/t", client_id = "c", client_secret = { variable = "S" }, scope = "s" }'
    text = f'name = "staging"\n[deployed]\nurl = "wss://a"\noauth2 = {oauth2}\n'
    assert mistakes_of(tmp_path, text) == []
    environment, _ = load_environment(tmp_path / "staging.toml")
    assert environment is not None
    wanted = OAuth2("http://localhost:1/t", "c", Credential(variable="S"), scope="s")
    assert environment.deployed == Deployed("wss://a", oauth2=wanted)


SECRET = 'secret = { variable = "STAGING_JWT_SECRET" }'

OAUTH2 = '{ token_url = "https://l", client_id = "c", client_secret = { variable = "S" } }'

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
    "three credentials": (
        SECRET,
        f'token = {{ variable = "T" }}\noauth2 = {OAUTH2}',
        6,
        "deployed.oauth2",
        "one of secret, token and oauth2",
    ),
    "a token endpoint without TLS": (
        SECRET,
        'oauth2 = { token_url = "http://l.example/t", client_id = "c", client_secret = { variable = "S" } }',
        5,
        "deployed.oauth2.token_url",
        "begins with https://",
    ),
    "a token endpoint without a client": (
        SECRET,
        'oauth2 = { token_url = "https://l/t", client_secret = { variable = "S" } }',
        5,
        "deployed.oauth2.client_id",
        "who asks",
    ),
    "a literal client secret": (
        SECRET,
        'oauth2 = { token_url = "https://l/t", client_id = "c", client_secret = "hunter2" }',
        5,
        "deployed.oauth2.client_secret",
        "expected a table",
    ),
    "a certificate without a key": (
        'user = "probe"',
        'client_certificate = "ca.pem"',
        6,
        "deployed.client_certificate",
        "add client_key",
    ),
    "a key that is none": (
        'user = "probe"',
        'client_certificate = "ca.pem"\nclient_key = "no.pem"',
        7,
        "deployed.client_key",
        "which is none",
    ),
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
    assert sorted(mistake.line for mistake in mistakes_of(tmp_path, text)) == [3, 7, 8]
