"""An environment as a compose file: what a run would start, names in place of secrets, and what cannot be said."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from envparity.faces.cli.app import app
from envparity.launch.images.folder import default_docker_folder

BACKEND = """\
name = "api"
[settings]
SIGNING_KEY = "4f0f1a2b3c4d5e6f7a8b9c0d4f0f1a2b"
[image]
dockerfile = "Dockerfile"
target = "prod"
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
STAGING = """\
name = "staging"
arguments = ["serve", "$HOME"]
[settings]
PRICE = "5$"
JWT_SECRET = { secret = 48 }
DATABASE_URL = "postgresql+asyncpg://{postgres.user}:{postgres.password|urlencode}@{postgres.host}:{postgres.port}/{postgres.database}"
REDIS_URL = { from = "redis.url" }
STORE = "http://{store.host}:{store.port}"
[platform]
user = 10001
cpus = 0.5
memory_mib = 256
read_only_root = true
replicas = 2
stop_grace_s = 20
[ingress]
kind = "nginx"
tls = true
[jobs.migrate]
command = ["migrate"]
[files."/etc/app.conf"]
template = "app.conf"
[dependencies.postgres]
kind = "postgres"
[dependencies.redis]
kind = "redis"
password = false
tls = "require"
latency_ms = 3
[dependencies.store]
kind = "image"
image = "minio/minio"
port = 9000
variables = { ROOT_PASSWORD = "{password}", API_TOKEN = "9f0f1a2b3c4d5e6f7a8b9c0d4f0f1a2b" }
ready = { command = ["mc", "ready", "{port}"] }
"""


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one environment."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "Dockerfile").write_text("FROM a AS prod\n")
    (tmp_path / "backend.toml").write_text(BACKEND)
    (tmp_path / "environments" / "staging.toml").write_text(STAGING)
    (tmp_path / "environments" / "app.conf").write_text("price {setting:PRICE}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(*arguments: str) -> Result:
    """What `envparity export compose` says."""
    return CliRunner().invoke(app, ["export", "compose", "--environment", "staging", *arguments], prog_name="envparity")


def test_what_a_run_would_start_is_in_the_file(team: Path) -> None:
    """The backend within its limits, each replica, the job before it, the servers, the ingress in front."""
    assert export("--out", "out").exit_code == 0
    services = yaml.safe_load((team / "out" / "compose.yaml").read_text())["services"]
    assert list(services) == ["postgres", "redis", "store", "job-migrate", "backend-0", "backend-1", "ingress"]
    backend = services["backend-0"]
    assert backend["build"] == {"context": "..", "dockerfile": "Dockerfile", "target": "prod"}
    assert (backend["user"], backend["cpus"], backend["mem_limit"]) == ("10001", 0.5, "256m")
    assert (backend["read_only"], backend["stop_grace_period"]) == (True, "20s")
    assert backend["command"] == ["serve", "$$HOME"]
    assert backend["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "redis": {"condition": "service_healthy"},
        "store": {"condition": "service_healthy"},
        "job-migrate": {"condition": "service_completed_successfully"},
    }
    password = "${POSTGRES_PASSWORD:?see .env.example}"
    assert backend["environment"] == {
        "DATABASE_URL": f"postgresql+asyncpg://app:{password}@postgres:5432/app",
        "JWT_SECRET": "${JWT_SECRET:?see .env.example}",
        "PORT": "8000",
        "PRICE": "5$$",
        "REDIS_URL": "redis://redis:6379/0",
        "SIGNING_KEY": "${SIGNING_KEY:?see .env.example}",
        "STORE": "http://store:9000",
    }
    assert services["job-migrate"]["command"] == ["migrate"]
    assert services["store"]["image"] == "minio/minio"
    assert services["store"]["healthcheck"]["test"] == ["CMD", "mc", "ready", "9000"]
    assert services["ingress"]["environment"]["INGRESS_UPSTREAMS"] == "backend-0:8000,backend-1:8000"
    assert (team / "out" / "files" / "etc-app.conf").read_text() == "price 5$\n"
    assert backend["volumes"] == ["./files/etc-app.conf:/etc/app.conf:ro"]


def test_no_secret_is_in_a_file(team: Path) -> None:
    """Each is a variable, which the example names; nothing is made up."""
    export("--out", "out")
    written = "".join(path.read_text() for path in (team / "out").rglob("*") if path.is_file())
    assert "4f0f1a2b" not in written
    assert "9f0f1a2b" not in written
    example = (team / "out" / ".env.example").read_text().splitlines()
    assert [line for line in example if not line.startswith("#")] == [
        "POSTGRES_PASSWORD=",
        "STORE_PASSWORD=",
        "JWT_SECRET=",
        "SIGNING_KEY=",
        "STORE_API_TOKEN=",
        "PUBLISHED_PORT=8080",
    ]


def test_servers_are_built_from_what_stands_beside_the_file(team: Path) -> None:
    """The folders from which a run's own images are built, whole."""
    export("--out", "out")
    for name in ("postgres", "redis", "ingress"):
        theirs = {file.name: file.read_bytes() for file in (default_docker_folder() / name).iterdir()}
        assert {file.name: file.read_bytes() for file in (team / "out" / name).iterdir()} == theirs


@pytest.mark.usefixtures("team")
def test_what_only_a_run_can_do_is_said() -> None:
    """By its key; and a folder in which there is something is left as it is."""
    said = [line.split(maxsplit=2)[2] for line in export().output.splitlines() if line.startswith("left out")]
    assert said == ["dependencies.redis.tls", "dependencies.redis.latency_ms", "ingress.tls"]
    assert export().exit_code == 2


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ('[dependencies.queue]\nkind = "nats"\n', "dependencies.queue"),
        ('[dependencies.idp]\nkind = "identity-provider"\n', "dependencies.idp"),
        ('[files."/etc/key"]\ntemplate = "key"\n', "files./etc/key"),
    ],
)
def test_what_no_such_file_can_say_is_exit_code_2(team: Path, written: str, key: str) -> None:
    """A password that a server takes from a file, keys of a run, a file with a secret: nothing is written then."""
    (team / "environments" / "key").write_text("{setting:JWT_SECRET}")
    (team / "environments" / "staging.toml").write_text(STAGING + written)
    result = export("--out", "out")
    assert (result.exit_code, key in result.output) == (2, True)
    assert not (team / "out").exists()
