"""A backend file in which everything is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import envparity
from envparity.config.backend import read_backend
from envparity.errors import Mistake

SCHEMA = json.loads((Path(envparity.__file__).parent / "schemas" / "backend.schema.json").read_text())
GOOD = """\
name = "chat"
command = ["python3", "-m", "chat"]
websocket_path = "/ws"
subprotocols = ["chat.v1"]
volatile = ["run_id"]
ignored_frames = ["heartbeat"]
contract = "asyncapi.yaml"
order_setting = "STARTUP_ORDER"

[settings]
DEBUG = false
WORKERS = 2

[image]
dockerfile = "docker/Dockerfile"
context = "."
include = ["chat/**"]

[health]
live = "/live"
metrics = false

[report]
status = "state.status"
log_failed = "(?P<component>\\\\w+) failed"

[tokens]
key_setting = "JWT_SECRET"
issuer_setting = "JWT_ISSUER"
audience_setting = "JWT_AUDIENCE"
claims = { scope = "chat" }

[[tokens.carriers]]
name = "header"
header = "Authorization: Bearer {token}"

[[tokens.carriers]]
name = "subprotocol"
subprotocol = "jwt.{token_base64url}"

[[tokens.carriers]]
name = "first_frame"
first_frame = { type = "authenticate", token = "{token}" }

[tokens.revocation]
dependency = "redis"
command = ["SET", "revoked:{jti}", "1"]

[phases]
boot_s = 20

[[scenario]]
name = "conversation"
title = "a client is welcomed"
carriers = "each"
steps = [{ connect = "valid" }, { expect = "welcome" }, { close = 1000 }]

[[scenario]]
name = "postgres_down"
group = "startup_failure"
title = "the client is told why"
boot = { down = ["postgres"], settings = { TIMEOUT_S = "2" } }
steps = [{ connect = "valid" }, { expect_close = [1013] }]
"""
Write = Callable[[str], Path]


def only_mistake(path: Path) -> Mistake:
    """The one mistake of that file."""
    backend, mistakes = read_backend(path)
    assert backend is None
    (mistake,) = mistakes
    return mistake


PROCESS = """
[process]
command = ["python3", "-m", "chat"]
folder = ".."
include = ["chat/**"]
variables = { PYTHONUNBUFFERED = 1 }
"""
