"""The round trip: an exported environment, booted by hand with docker-compose, answers the same conversation."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from docker.errors import ImageNotFound
from dotenv import dotenv_values

from envparity.config.project import load_project
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
        words, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, timeout=900, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


KEYS = """\
name = "hand"
[settings]
ISSUER = "http://idp:8080"
JWKS_URL = { from = "idp.jwks_url" }
PUBLIC_KEY = { from = "tokens.public_key" }
NATS_URL = { from = "queue.url" }
SQL_HOST = { from = "sql.host" }
SQL_PASSWORD = { from = "sql.password" }
[dependencies.idp]
kind = "identity-provider"
[dependencies.queue]
kind = "nats"
[dependencies.sql]
kind = "mariadb"
[deployed]
url = "ws://127.0.0.1:%d/ws"
secret = { variable = "TOKENS_PRIVATE_KEY" }
"""
KEYS_BACKEND = """\
name = "keys"
websocket_path = "/ws"
frame_type = "type"
[image]
dockerfile = "Dockerfile"
include = ["server.py"]
[health]
live = false
ready = false
startup = false
metrics = false
[tokens]
scheme = "jwt-key-pair"
algorithm = "RS256"
issuer_setting = "ISSUER"
provider = "idp"
[[tokens.carriers]]
name = "header"
header = "Authorization: Bearer {token}"
[[scenario]]
name = "conversation"
title = "who shows a token of the provider is told what goes through the queue, and what the database knows"
steps = [
  { connect = "valid" },
  { expect = "welcome", fields = { user = "{user}", keys_are_one = true } },
  { send = { type = "say", text = "{uuid:said}" } },
  { expect = "said", fields = { text = "{uuid:said}", database = "app" } },
  { close = 1000 },
]
[[scenario]]
name = "forged"
title = "who signs with another key is not let in"
steps = [{ connect = "wrong_signature" }, { expect_close = 4401 }]
"""
KEYS_DOCKERFILE = """\
FROM debian:bookworm-slim
RUN set -eu; apt-get update; \\
    apt-get install -y --no-install-recommends python3-websockets python3-jwt python3-cryptography python3-pymysql; \\
    rm -rf /var/lib/apt/lists/*
EXPOSE 8000
USER 65534:65534
COPY server.py /srv/server.py
CMD ["python3", "/srv/server.py"]
"""
KEYS_SERVER = """\
import asyncio, json, os, urllib.parse, urllib.request
import jwt, pymysql, websockets

def keys():
    return jwt.PyJWKSet.from_json(urllib.request.urlopen(os.environ["JWKS_URL"], timeout=5).read()).keys

async def through_the_queue(text):
    url = urllib.parse.urlsplit(os.environ["NATS_URL"])
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    await reader.readline()
    who = json.dumps({"user": url.username, "pass": url.password, "verbose": False})
    writer.write(f"CONNECT {who}\\r\\nSUB a 1\\r\\nPUB a {len(text)}\\r\\n{text}\\r\\n".encode())
    while not (line := await reader.readline()).startswith(b"MSG"):
        assert not line.startswith(b"-ERR"), line
    heard = await reader.readexactly(len(text))
    writer.close()
    return heard.decode()

def database():
    where = {"host": os.environ["SQL_HOST"], "user": "app", "password": os.environ["SQL_PASSWORD"], "database": "app"}
    with pymysql.connect(**where) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        return cursor.fetchone()[0]

async def serve(socket):
    token = socket.request_headers.get("Authorization", "").partition(" ")[2]
    try:
        claims = jwt.decode(token, keys()[0].key, algorithms=["RS256"], issuer=os.environ["ISSUER"])
        jwt.decode(token, os.environ["PUBLIC_KEY"], algorithms=["RS256"], issuer=os.environ["ISSUER"])
    except jwt.PyJWTError:
        return await socket.close(4401)
    same = jwt.get_unverified_header(token)["kid"] == keys()[0].key_id
    await socket.send(json.dumps({"type": "welcome", "user": claims["sub"], "keys_are_one": same}))
    async for frame in socket:
        text = await through_the_queue(json.loads(frame)["text"])
        await socket.send(json.dumps({"type": "said", "text": text, "database": database()}))

async def main():
    async with websockets.serve(serve, "0.0.0.0", int(os.environ["PORT"])):
        await asyncio.Future()

asyncio.run(main())
"""


@dataclass(frozen=True)
class Hand:
    """A project with one environment, which is said to run on a free port here, and the project's name in compose."""

    folder: Path
    port: int
    name: str

    def export(self, *more: str) -> Path:
        """The folder of the exported environment."""
        self.envparity("export", "compose", "--environment", "hand", "--out", "out", *more)
        return self.folder / "out"

    def envparity(self, *words: str, **variables: str) -> str:
        """What envparity prints, which ends well."""
        return done(self.folder, sys.executable, "-m", "envparity", *words, PYTHONPATH=str(TREE), **variables)

    def conversation(self, *more: str, **variables: str) -> str:
        """The verdict of a run that only asks what is there."""
        attached = ("run", "--environment", "hand", "--attach", "hand", "--plain")
        return self.envparity(*attached, *more, **variables)

    @contextmanager
    def up(self) -> Iterator[None]:
        """All of it, booted by hand."""
        compose = ("docker-compose", "--project-name", self.name)
        try:
            done(self.folder / "out", *compose, "up", "--detach")
            yield
        finally:
            done(self.folder / "out", *compose, "down", "--volumes", "--timeout", "5", "--remove-orphans")


@contextmanager
def by_hand(folder: Path, environment: str, servers: dict[str, str]) -> Iterator[Hand]:
    """That project; the images that a run has are those of compose too: nothing is built twice."""
    if shutil.which("docker-compose") is None:
        pytest.fail("docker-compose not found: apt-get install docker-compose")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    (folder / "environments" / "hand.toml").write_text(environment % port)
    hand = Hand(folder, port, f"envparityexport{secrets.token_hex(4)}")
    client = docker.from_env()
    tags = []
    try:
        builder = ImageBuilder(client, default_docker_folder(), lambda _line: None)
        built = builder.ensure(list(servers.values()))
        images = {service: built[name] for service, name in servers.items()}
        project = load_project(folder / "backend.toml", folder / "environments")
        images["backend"] = backend_image(builder, project.backend)
        for service, reference in images.items():
            tags.append(f"{hand.name}_{service}")
            client.images.get(reference).tag(tags[-1])
        yield hand
    finally:
        for tag in [*tags, f"{hand.name}_filling"]:
            with suppress(ImageNotFound):
                client.images.remove(tag)
        client.close()


def test_an_exported_environment_answers_the_same_conversation(tmp_path: Path) -> None:
    """Booted without envparity, in another folder; asked by the driver that a run has, through the ingress."""
    folder = shutil.copytree(TREE / "docs" / "examples" / "teahouse", tmp_path / "teahouse")
    for file in (folder / "environments").iterdir():
        file.unlink()
    with by_hand(folder, HAND, {"redis": "redis", "ingress": "ingress"}) as hand:
        out = hand.export()
        example = (out / ".env.example").read_text().replace("=8080", f"={hand.port}")
        names = [line.partition("=")[0] for line in example.splitlines() if line.endswith("=")]
        made = {name: secrets.token_hex(32) for name in names}
        (out / ".env").write_text(example + "".join(f"{name}={value}\n" for name, value in made.items()))
        with hand.up():
            said = hand.conversation("--only", "conversation", TOKEN_KEY=made["TOKEN_KEY"])
        assert "CLEAN" in said


def test_keys_and_passwords_in_files_are_what_who_boots_gives(tmp_path: Path) -> None:
    """A provider that signs with a key pair, a queue and a database whose passwords stand in files, filled at once."""
    folder = tmp_path / "keys"
    (folder / "environments").mkdir(parents=True)
    for name, text in (("backend.toml", KEYS_BACKEND), ("Dockerfile", KEYS_DOCKERFILE), ("server.py", KEYS_SERVER)):
        (folder / name).write_text(text)
    servers = {"idp": "identity-provider", "queue": "nats", "sql": "mariadb"}
    with by_hand(folder, KEYS, servers) as hand:
        variables = hand.export("--fill") / ".env"
        variables.write_text(variables.read_text().replace("=8080", f"={hand.port}"))
        key = dotenv_values(variables)["TOKENS_PRIVATE_KEY"] or ""
        with hand.up():
            said = hand.conversation(TOKENS_PRIVATE_KEY=key)
        assert "CLEAN" in said
        assert "not played" not in said
