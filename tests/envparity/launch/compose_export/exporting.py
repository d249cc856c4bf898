"""The command that exports an environment as a compose file."""

from __future__ import annotations

from click.testing import CliRunner, Result

from envparity.faces.cli.app import app

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
settings = { CACHE = "redis://{redis.host}:{redis.port}" }
hosts = ["files"]
ready = { command = ["mc", "ready", "{port}"] }
"""


def export(*arguments: str) -> Result:
    """What `envparity export compose` says."""
    return CliRunner().invoke(app, ["export", "compose", "--environment", "staging", *arguments], prog_name="envparity")
