"""Names in place of secrets in an exported file: files with secrets in them, key pairs, identity providers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from envparity.auth.key_pair import public_jwk, public_pem
from envparity.auth.keys import made_private_key
from envparity.dependencies.identity_server import Provider
from envparity.launch import compose_files
from tests.envparity.launch.compose_export.exporting import BACKEND, STAGING, export

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
    subprocess.run(words, check=True, env={"A": 'é "1"\\2\n'}, timeout=300)
    assert json.loads((tmp_path / "made" / "a.json").read_text()) == {"a": 'é "1"\\2\n', "b": "$A"}
    assert (tmp_path / "made" / "a.conf").read_text() == '{"a": "é "1"\\2\n", "b": "$A"}'
    assert (tmp_path / "made" / "a.json").stat().st_ino == before
