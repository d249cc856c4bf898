"""What `check` says of a server of which only the image is known, and what of it can be the cause."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from envparity.dependency.kind import RunsAsProcess, Server, kind_of
from envparity.errors import ConfigurationError
from envparity.isolate import differences, mix
from envparity.model.project import Project
from envparity.report.saved_project import saved_project
from tests.envparity.dependencies.booting import environment
from tests.envparity.launching import BACKEND

IMAGE = """
[dependencies.queue]
kind = "image"
image = "nats:2.10"
port = 4222
"""
WRONG = [
    ('url = "amqp://{usr}@{address}"', "url", "{usr}, which nothing fills"),
    ('variables = { A = "{folder}" }', "variables.A", "{folder}, which nothing fills"),
    ('process = ["nats-server", "{ports}"]', "process[1]", "{ports}, which nothing fills"),
    ('ready = { command = ["ping", "{host}"] }', "ready.command[1]", "{host}, which nothing fills"),
    ('ready = { tcp = true, log = "x" }', "ready", "tcp and log"),
    ("ready = { tcp = false }", "ready.tcp", "false"),
    ("ready = { status = 200 }", "ready.status", "no http"),
    ('ready = { log = "(" }', "ready.log", "unterminated"),
    ("ready = { command = [] }", "ready.command", "none"),
    ('ready = { http = "health" }', "ready.http", "health"),
    ('files = { "/etc/a.conf" = "none.conf" }', "files./etc/a.conf", "which is none"),
    ('files = { "etc/a.conf" = "there.conf" }', "files.etc/a.conf", "etc/a.conf"),
    (
        'process = ["x"]\nfiles = { "/a/n.conf" = "there.conf", "/b/n.conf" = "there.conf" }',
        "files./b/n.conf",
        "/a/n.conf",
    ),
    ('tls = "require"', "tls", ""),
    ('volumes = ["data"]', "volumes[0]", "data"),
    ('variables = { A = "1" }\nsettings = { A = "2" }', "settings.A", "one that they have"),
    ('settings = { A = "{store.url}" }', "settings.A", "[dependencies.store]"),
    ('settings = { A = { secret = 48, from = "queue.host" } }', "settings.A", "2 keys"),
]


@pytest.mark.parametrize(("line", "key", "got"), WRONG)
def test_what_cannot_be_is_said_with_its_line(line: str, key: str, got: str, tmp_path: Path) -> None:
    """One mistake, at the key, in the line in which it stands."""
    (tmp_path / "there.conf").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        environment(tmp_path, IMAGE + line + "\n")
    (mistake,) = raised.value.mistakes
    assert mistake.key.replace('"', "") == f"dependencies.queue.{key}"
    assert got in mistake.got
    assert mistake.line == 1 + (IMAGE + line).count("\n") + 1


def test_a_url_that_it_does_not_offer_cannot_be_taken(tmp_path: Path) -> None:
    """Without `url` there is none; its user can be had in any case."""
    taken = '[settings]\nWHO = { from = "queue.user" }\nURL = { from = "queue.url" }\n'
    with pytest.raises(ConfigurationError) as raised:
        environment(tmp_path, taken + IMAGE)
    (mistake,) = raised.value.mistakes
    assert mistake.key == "settings.URL.from"
    assert "queue.user" in mistake.expected
    assert "queue.url" not in mistake.expected


def test_placeholders_are_filled_where_it_runs(tmp_path: Path) -> None:
    """In the container its own port, as a process a free one; a file keeps the braces of its format."""
    (tmp_path / "there.conf").write_text('listen {port} {{ user {user} }} {"a": {b}}\n', encoding="utf-8")
    lines = (
        'user = "u"\nvariables = { P = "{password}", N = 3, Y = true }\nfiles = { "/etc/x/n.conf" = "there.conf" }\n'
    )
    lines += 'settings = { URL = "{queue.host}", RAW = "{{user}}" }\n'
    text = IMAGE + lines + 'process = ["sh", "-c", "{folder} {port}"]\ncommand = ["at", "{address}"]\n'
    declared = environment(tmp_path, text).dependencies["queue"]
    kind = kind_of(declared)
    assert isinstance(kind, RunsAsProcess)
    placed = kind.placed(declared, Server("queue", 77), {"URL": "at", "RAW": "{user}"})  # type: ignore[attr-defined]
    plan = kind.container(placed, "pw")
    assert plan.variables == {"P": "pw", "N": "3", "Y": "true", "URL": "at", "RAW": "{user}"}
    assert plan.files["/etc/x/n.conf"][0] == b'listen 4222 {{ user u }} {"a": {b}}\n'
    assert plan.command == ("at", "queue:77")
    process = kind.process(placed, Path("/f"), 9, "pw")
    assert process.variables == plan.variables
    assert process.argv[1:] == ("-c", "/f 9")
    assert process.files == {"n.conf": 'listen 9 {{ user u }} {"a": {b}}\n'}


def test_each_of_its_keys_is_a_trait(tmp_path: Path) -> None:
    """An entry of a table by itself; of a secret the name alone. All of them together are the other environment."""
    team = environment(tmp_path, IMAGE + 'variables = { LEVEL = "debug", SAME = "1", API_KEY = "abcdefgh1" }\n')
    text = IMAGE.replace("2.10", "2.9") + 'variables = { LEVEL = "info", SAME = "1", API_KEY = "abcdefgh2" }\n'
    other = environment(tmp_path, text + 'volumes = ["/data"]\n')
    traits = differences(team, other)
    assert {str(trait) for trait in traits} == {
        "queue.image=nats:2.9",
        "queue.variables.LEVEL=info",
        "queue.variables.API_KEY",
        "queue.volumes=/data",
    }
    assert mix(team, other, traits).dependencies == other.dependencies
    (level,) = [trait for trait in traits if "LEVEL" in str(trait)]
    mixed = mix(team, other, [level]).dependencies["queue"].options
    assert (mixed["image"], mixed["variables"]["LEVEL"], mixed["volumes"]) == ("nats:2.10", "info", [])


def test_what_one_kind_says_is_no_key_of_another(tmp_path: Path) -> None:
    """Where the kind is another, all that it says moves with it."""
    team = environment(tmp_path, IMAGE)
    other = environment(tmp_path, '[dependencies.queue]\nkind = "nats"\nmax_payload = 2048\n')
    (trait,) = differences(team, other)
    assert mix(team, other, [trait]).dependencies == other.dependencies


def test_a_run_keeps_no_secret_of_its_tables(tmp_path: Path) -> None:
    """Neither a literal that is one, nor the text of a file."""
    (tmp_path / "there.conf").write_text("token hunter22", encoding="utf-8")
    lines = 'variables = { API_KEY = "abcdefgh1", LEVEL = "debug" }\nfiles = { "/etc/n.conf" = "there.conf" }\n'
    stands = environment(tmp_path, IMAGE + lines)
    kept = msgspec.json.encode(saved_project(Project(BACKEND, {"local": stands}), tmp_path)).decode()
    assert "hunter22" not in kept
    assert "abcdefgh1" not in kept
    assert "debug" in kept
