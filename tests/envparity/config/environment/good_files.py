"""An environment file in which everything is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import envparity
from envparity.config.environment import load_environment
from envparity.errors import Mistake

SCHEMA = json.loads((Path(envparity.__file__).parent / "schemas" / "environment.schema.json").read_text())
GOOD = """\
name = "staging"
description = "as production"
dependencies_first = false

[settings]
TEXT = "text"
NUMBER = 30
FLOAT = 2.5
FLAG = true
OFF = false
EMPTY = ""
JWT_SECRET = { secret = 48 }
DATABASE_URL = { from = "postgres.url" }
TRUSTED_PROXIES = { from = "ingress.network" }

[platform]
cpus = 1
memory_mib = 512
user = 10001
read_only_root = true
replicas = 2

[ingress]
kind = "nginx"
tls = true
host = "api.staging.netra.example"

[dependencies.postgres]
kind = "postgres"
tls = "verify-full"
latency_ms = 4
max_connections = 20

[[differences]]
path = "report.environment"
reason = "a label"
expires = 2031-12-31
"""
Write = Callable[..., Path]


def only_mistake(path: Path) -> Mistake:
    """The one mistake of that file."""
    environment, mistakes = load_environment(path)
    assert environment is None
    (mistake,) = mistakes
    return mistake
