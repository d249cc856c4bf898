"""An environment as a compose file: what a run would start, and what cannot be said."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from envparity.launch.images.folder import default_docker_folder
from tests.envparity.launch.compose_export.exporting import STAGING, export


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
    assert services["store"]["environment"]["CACHE"] == "redis://redis:6379"
    assert services["store"]["networks"] == {"default": {"aliases": ["files"]}}
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
