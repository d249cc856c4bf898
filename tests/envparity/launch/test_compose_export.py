"""An environment as a compose file: what a run would start, names in place of secrets, and what cannot be said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from dotenv import dotenv_values

from envparity.auth.key_pair import public_jwk, public_pem
from envparity.auth.keys import made_private_key
from envparity.dependencies.identity_server import Provider
from envparity.faces.cli.app import app
from envparity.launch import compose_files
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
again = true
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
    """The backend within its limits, each replica, the job before it, twice, the servers, the ingress in front."""
    assert export("--out", "out").exit_code == 0
    services = yaml.safe_load((team / "out" / "compose.yaml").read_text())["services"]
    jobs, replicas = ["job-migrate", "job-migrate-again"], ["backend-0", "backend-1"]
    assert list(services) == ["postgres", "redis", "store", *jobs, *replicas, "ingress"]
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
        "job-migrate-again": {"condition": "service_completed_successfully"},
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
    assert services["job-migrate"]["command"] == services["job-migrate-again"]["command"] == ["migrate"]
    assert "job-migrate" in services["job-migrate-again"]["depends_on"]
    assert services["store"]["image"] == "minio/minio"
    assert services["store"]["healthcheck"]["test"] == ["CMD", "mc", "ready", "9000"]
    assert services["ingress"]["environment"]["INGRESS_UPSTREAMS"] == "backend-0:8000,backend-1:8000"
    assert (team / "out" / "backend-files" / "etc-app.conf").read_text() == "price 5$\n"
    assert backend["volumes"] == ["./backend-files/etc-app.conf:/etc/app.conf:ro"]


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
    ("written", "instead", "key"),
    [
        ('kind = "nginx"\ntls = true', 'kind = "nginx"\nconfig = "own.conf"', "ingress.config"),
        ("[dependencies.redis]", '[dependencies.backend-0]\nkind = "nats"\n[dependencies.redis]', "backend-0"),
    ],
)
def test_what_no_such_file_can_say_is_exit_code_2(team: Path, written: str, instead: str, key: str) -> None:
    """The team's own ingress, and a dependency that is called as another service is: nothing is written then."""
    (team / "environments" / "own.conf").write_text("events {} http { server { listen 8080; } }")
    (team / "environments" / "staging.toml").write_text(STAGING.replace(written, instead))
    result = export("--out", "out")
    assert (result.exit_code, key in result.output) == (2, True)
    assert not (team / "out").exists()


KEYS = """
[tokens]
scheme = "jwt-key-pair"
algorithm = "%s"
issuer_setting = "ISSUER"
[[tokens.carriers]]
name = "header"
header = "Authorization: Bearer {token}"
"""
SERVERS = """
[dependencies.queue]
kind = "nats"
[dependencies.sql]
kind = "mariadb"
[dependencies.rabbit]
kind = "rabbitmq"
[dependencies.store-of-pages]
kind = "memcached"
[dependencies.idp]
kind = "identity-provider"
[files."/etc/key"]
template = "key"
"""


@pytest.fixture
def keys(team: Path) -> Path:
    """A project whose tokens are signed with a key pair, and whose servers find passwords in files."""
    (team / "backend.toml").write_text(BACKEND.replace("[health]", KEYS % "ES256" + "[health]"))
    (team / "environments" / "key").write_text("{setting:JWT_SECRET}")
    settings = '[settings]\nISSUER = "me"\nPEM = { from = "tokens.public_key" }\nJWKS = { from = "tokens.jwks" }\n'
    staging = STAGING.replace("[settings]\n", f'{settings}KEYS_URL = {{ from = "idp.jwks_url" }}\n')
    (team / "environments" / "staging.toml").write_text(staging + SERVERS)
    return team


def test_a_file_with_a_secret_is_filled_before_its_server_starts(keys: Path) -> None:
    """What stands beside the compose file has the names of variables, and whoever mounts it waits."""
    assert export("--out", "out").exit_code == 0
    services = yaml.safe_load((keys / "out" / "compose.yaml").read_text())["services"]
    mounted = {
        "queue": ("./made/queue-files-etc-nats-nats-server.conf:/etc/nats/nats-server.conf:ro", "QUEUE_PASSWORD"),
        "sql": (
            "./made/sql-files-etc-envparity-mariadb-start.sql:/etc/envparity/mariadb/start.sql:ro",
            "SQL_PASSWORD",
        ),
        "rabbit": (
            "./made/rabbit-files-etc-envparity-rabbitmq-rabbitmq.conf:/etc/envparity/rabbitmq/rabbitmq.conf:ro",
            "RABBIT_PASSWORD",
        ),
        "idp": (
            "./made/idp-files-srv-identity-configuration.json:/srv/identity/configuration.json:ro",
            "IDP_PRIVATE_KEY",
        ),
        "backend-0": ("./made/backend-files-etc-key:/etc/key:ro", "JWT_SECRET"),
    }
    for name, (mount, variable) in mounted.items():
        assert mount in services[name]["volumes"]
        assert services[name]["depends_on"]["filling"] == {"condition": "service_completed_successfully"}
        assert services["filling"]["environment"][variable] == f"${{{variable}:?see .env.example}}"
        made = mount.partition(":")[0].removeprefix("./made/")
        assert f"<<variable {variable}>>" in (keys / "out" / "templates" / made).read_text()
        assert (keys / "out" / "made" / made).read_bytes() == b""
    assert (keys / "out" / "made").stat().st_mode & 0o077 == 0
    assert "volumes" not in services["store-of-pages"]
    assert services["store-of-pages"]["command"] == ["--memory-limit", "64"]


def test_the_public_half_of_a_key_is_a_variable_and_the_private_one_no_service_has(keys: Path) -> None:
    """Who boots has both; the provider's own key is another."""
    export("--out", "out")
    compose = (keys / "out" / "compose.yaml").read_text()
    backend = yaml.safe_load(compose)["services"]["backend-0"]["environment"]
    assert backend["PEM"] == "${TOKENS_PUBLIC_KEY:?see .env.example}"
    assert backend["JWKS"] == "${TOKENS_JWKS:?see .env.example}"
    assert backend["KEYS_URL"] == "http://idp:8080/jwks.json"
    example = (keys / "out" / ".env.example").read_text().splitlines()
    assert {"TOKENS_PRIVATE_KEY=", "TOKENS_PUBLIC_KEY=", "TOKENS_JWKS=", "IDP_PRIVATE_KEY="} <= set(example)
    assert "TOKENS_PUBLIC_JWK=" not in example
    assert "TOKENS_PRIVATE_KEY" not in compose


def test_new_values_are_written_where_they_are_asked_for(keys: Path) -> None:
    """Of every variable, the public half that of the private one, for their owner alone."""
    assert export("--out", "out", "--fill").exit_code == 0
    written = keys / "out" / ".env"
    values = dotenv_values(written)
    names = {line[:-1] for line in (keys / "out" / ".env.example").read_text().splitlines() if line.endswith("=")}
    assert {name for name, value in values.items() if value} == names | {"PUBLISHED_PORT"}
    private, public = values["TOKENS_PRIVATE_KEY"] or "", values["TOKENS_PUBLIC_KEY"] or ""
    assert public_pem(private) == public
    assert json.loads(values["TOKENS_JWKS"] or "")["keys"] == [public_jwk(private, "ES256")]
    assert written.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("algorithm", ["RS256", "PS512", "ES384", "EdDSA"])
def test_a_provider_makes_of_its_key_what_is_public(algorithm: str, tmp_path: Path) -> None:
    """The same as a run says, by its thumbprint, or by the name that it was given."""
    private = made_private_key(algorithm)
    for named in ("", "mine"):
        said = {"algorithm": algorithm, "keys": [{"kid": named, "pem": private, "jwk": {}}]}
        (tmp_path / "configuration.json").write_text(json.dumps(said))
        provider = Provider(tmp_path / "configuration.json", tmp_path / "state.json")
        assert provider.published("") == {"keys": [public_jwk(private, algorithm, named or None)]}


def test_what_fills_templates_writes_json_as_json(tmp_path: Path) -> None:
    """And all else as it is; what is no variable stays, and the file is the one that is mounted."""
    for folder in ("templates", "made"):
        (tmp_path / folder).mkdir()
    text = '{"a": "<<variable A>>", "b": "$A"}'
    for name in ("a.json", "a.conf"):
        (tmp_path / "templates" / name).write_text(text)
        (tmp_path / "made" / name).write_text("")
    before = (tmp_path / "made" / "a.json").stat().st_ino
    script = Path(compose_files.__file__).parent / "filling" / "fill.pl"
    words = ("/usr/bin/perl", script, tmp_path / "templates", tmp_path / "made")
    subprocess.run(words, check=True, env={"A": 'é "1"\\2\n'}, timeout=20)
    assert json.loads((tmp_path / "made" / "a.json").read_text()) == {"a": 'é "1"\\2\n', "b": "$A"}
    assert (tmp_path / "made" / "a.conf").read_text() == '{"a": "é "1"\\2\n", "b": "$A"}'
    assert (tmp_path / "made" / "a.json").stat().st_ino == before
