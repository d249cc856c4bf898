"""`envparity diff`: what two files make different, and never a secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from envparity.auth.jwt_shared_key import SharedKeyJwt
from envparity.faces.cli.diff_sections import sections
from envparity.model.backend import Backend, ImageSource, Tokens
from envparity.model.environment import Environment
from envparity.model.project import Project

Envparity = Callable[..., Result]
LOCAL = """\
name = "local"
baseline = true
[settings]
LOG = "console"
SAME = "1"
ONLY_HERE = "x"
API_KEY = "hunter2-hunter2"
SHARED_TOKEN = "the-same-everywhere"
CACHE = "redis://user:sesame-opens@cache:6379/0"
"""
STAGING = """\
name = "staging"
dependencies_first = false
[settings]
LOG = "json"
SAME = "1"
API_KEY = "swordfish-swordfish"
SHARED_TOKEN = "the-same-everywhere"
JWT_SECRET = { secret = 48 }
DB = { from = "postgres.url" }
CACHE = "redis://user:other-password@cache:6379/0"
[platform]
cpus = 1
[ingress]
kind = "nginx"
tls = true
host = "api.example"
[dependencies.postgres]
kind = "postgres"
tls = "require"
[[differences]]
path = "*.LOG.value"
reason = "the collector reads JSON"
expires = 2099-01-31
"""


@pytest.fixture
def two(files: Path) -> Path:
    (files / "environments/local.toml").write_text(LOCAL, encoding="utf-8")
    (files / "environments/staging.toml").write_text(STAGING, encoding="utf-8")
    return files


def line(output: str, word: str) -> str:
    (found,) = [line for line in output.splitlines() if line.split() and line.split()[0] == word]
    return " ".join(found.split())


def test_what_differs_stands_beside_why_it_may(envparity: Envparity, two: Path) -> None:
    """A declared reason, or that there is none: that one a run would report."""
    out = envparity("diff", "local", "staging").stdout
    assert line(out, "LOG") == "LOG console json the collector reads JSON"
    assert line(out, "ONLY_HERE") == "ONLY_HERE x not set not declared"
    assert line(out, "DB") == "DB not set from postgres.url not declared"
    assert "SAME" not in out.split()
    assert line(out, "cpus") == "cpus no limit 1.0"
    assert line(out, "host") == "host localhost api.example"
    assert line(out, "first") == "first dependencies nobody in particular"
    assert line(out, "*.LOG.value") == "*.LOG.value declared until 2099-01-31 the collector reads JSON"


def test_a_secret_is_only_called_a_secret(envparity: Envparity, two: Path) -> None:
    """Made for every run, or a literal with a secret's name, or a password within a URL; whether two differ is seen."""
    result = envparity("diff", "local", "staging")
    assert result.exit_code == 0
    for secret in ("hunter2", "swordfish", "the-same", "sesame", "other-password"):
        assert secret not in result.output
    assert "secret" in line(result.stdout, "API_KEY")
    assert "SHARED_TOKEN" not in result.stdout
    assert "secret, made for every run" in result.stdout


def test_the_order_is_that_of_the_question(envparity: Envparity, two: Path) -> None:
    """Left is the first one."""
    assert line(envparity("diff", "staging", "local").stdout, "LOG").startswith("LOG json console")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (("local", "stging"), "did you mean staging?"),
        (("local", "local"), "local twice"),
        (("local",), "Missing argument"),
    ],
)
def test_bad_input_is_2(envparity: Envparity, two: Path, asked: tuple[str, ...], told: str) -> None:
    """One message."""
    result = envparity("diff", *asked)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_a_file_with_a_mistake_is_2(envparity: Envparity, two: Path) -> None:
    """Told by file and key."""
    (two / "environments/local.toml").write_text('name = "local"\nunknown = 1\n', encoding="utf-8")
    result = envparity("diff", "local", "staging")
    assert (result.exit_code, "unknown" in result.stderr) == (2, True)


def test_what_tokens_are_made_with_is_a_secret_whatever_its_name() -> None:
    """A literal of the file under `tokens.key_setting` shows that it differs, and nothing of itself."""
    backend = Backend(
        "chat", Path("backend.toml"), ImageSource(), tokens=Tokens(SharedKeyJwt("SIGNER", "ISSUER", "AUDIENCE"))
    )
    here, there = (Environment(name, settings={"SIGNER": f"made-up-{name}"}) for name in ("local", "staging"))
    (row,) = sections(Project(backend, {"local": here, "staging": there}))[0].rows
    assert row.name == "SIGNER"
    assert "made-up" not in f"{row.here} {row.there}"
    assert row.here != row.there
