"""The round trip: an exported environment, booted by hand with docker-compose, answers the same conversation."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from envparity.config.subject import load_subject
from envparity.launch.container.kind import backend_image
from envparity.launch.images.builder import ImageBuilder
from envparity.launch.images.folder import default_docker_folder

pytestmark = pytest.mark.docker

TREE = Path(__file__).parents[3]
HAND = """\
name = "hand"
[settings]
REDIS_URL = { from = "redis.url" }
TOKEN_KEY = { secret = 32 }
TOKEN_ISSUER = "https://id.example"
TOKEN_AUDIENCE = "teahouse-hand"
[platform]
memory_mib = 256
read_only_root = true
[ingress]
kind = "nginx"
[dependencies.redis]
kind = "redis"
[deployed]
url = "ws://127.0.0.1:%d/chat"
secret = { variable = "TOKEN_KEY" }
"""


def done(folder: Path, *words: str, **variables: str) -> str:
    """What that program prints, which ends well."""
    ran = subprocess.run(
        words, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The backend of docs/examples/teahouse, with one environment that is said to run on a free port here."""
    if shutil.which("docker-compose") is None:
        pytest.fail("docker-compose not found: apt-get install docker-compose")
    folder = shutil.copytree(TREE / "docs" / "examples" / "teahouse", tmp_path / "teahouse")
    for file in (folder / "environments").iterdir():
        file.unlink()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        (folder / "environments" / "hand.toml").write_text(HAND % held.getsockname()[1])
    return folder


@pytest.fixture
def named(project: Path) -> Iterator[str]:
    """The name of a project of compose for which the images that a run has are there: nothing is built twice."""
    name = f"envparityexport{secrets.token_hex(4)}"
    client = docker.from_env()
    tags = []
    try:
        builder = ImageBuilder(client, default_docker_folder(), lambda _line: None)
        images = builder.ensure(["redis", "ingress"])
        subject = load_subject(project / "backend.toml", project / "environments")
        images["backend"] = backend_image(builder, subject.backend)
        for service, reference in images.items():
            tags.append(f"{name}_{service}")
            client.images.get(reference).tag(tags[-1])
        yield name
    finally:
        for tag in tags:
            client.images.remove(tag)
        client.close()


def test_an_exported_environment_answers_the_same_conversation(project: Path, named: str) -> None:
    """Booted without envparity, in another folder; asked by the driver that a run has, through the ingress."""
    envparity = (sys.executable, "-m", "envparity")
    done(project, *envparity, "export", "compose", "--environment", "hand", "--out", "out", PYTHONPATH=str(TREE))
    out, port = project / "out", (project / "environments" / "hand.toml").read_text().rpartition("127.0.0.1:")[2][:5]
    example = (out / ".env.example").read_text().replace("=8080", f"={port.partition('/')[0]}")
    names = [line.partition("=")[0] for line in example.splitlines() if line.endswith("=")]
    made = {name: secrets.token_hex(32) for name in names}
    (out / ".env").write_text(example + "".join(f"{name}={value}\n" for name, value in made.items()))
    compose = ("docker-compose", "--project-name", named)
    try:
        done(out, *compose, "up", "--detach")
        asked = ("--environment", "hand", "--attach", "hand", "--only", "conversation", "--plain")
        said = done(project, *envparity, "run", *asked, PYTHONPATH=str(TREE), TOKEN_KEY=made["TOKEN_KEY"])
        assert "CLEAN" in said
    finally:
        done(out, *compose, "down", "--volumes", "--timeout", "5")
