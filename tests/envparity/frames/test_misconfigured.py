"""A small server for each codec, with a setting that is wrong in one environment: found, and named."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from envparity.report.saved import read_run
from parity_tests.cases.conftest import single_cause

pytestmark = pytest.mark.processes

SERVER = Path(__file__).with_name("tiny_servers.py")
RUN_S = 300.0
BACKEND = """
name = "tiny"
websocket_path = "/"
subprotocols = {subprotocols}
[process]
command = ["python3", {server}, "{codec}"]
[health]
live = false
ready = false
startup = false
metrics = false
[frames]
codec = "{codec}"
{keys}
[[scenario]]
name = "talk"
steps = [{steps}]
"""


@dataclass(frozen=True)
class Served:
    """What is played with a server of that codec, its setting where it is right and where it is wrong, and the rule."""

    codec: str
    steps: str
    right: str
    wrong: str
    code: str = "EP301"
    subprotocols: tuple[str, ...] = ()
    keys: str = ""


SERVED = (
    Served(
        "engine-io",
        """{ connect = "none" }, { expect = "open" }, { send = { type = "connect" } }, { expect = "connect" },
        { send_size = 3000, frame = { event = "say", args = [{ text = "" }] }, pad_field = "args.0.text" },
        { expect = "say" }, { close = 1000 }""",
        *("1000000", "2000"),
        code="EP303",
    ),
    Served(
        "phoenix",
        """{ connect = "none" },
        { send = { join_ref = "1", ref = "1", topic = "tea", event = "phx_join" } },
        { expect = "phx_reply", fields = { ref = "1", "payload.status" = "ok" } }, { silence_s = 2 },
        { send = { join_ref = "1", ref = "2", topic = "tea", event = "late" } }, { expect = "later" },
        { close = 1000 }""",
        *("60", "1"),
        keys="heartbeat_s = 2",
    ),
    Served(
        "signalr",
        """{ connect = "none" }, { send = { protocol = "json", version = 1 } },
        { expect = "handshake", fields = {} },
        { send = { type = 1, target = "Say", arguments = ["tea"], invocationId = "1" } },
        { expect = ["Heard", "completion"] }, { close = 1000 }""",
        *("json", "messagepack"),
        code="EP303",
    ),
    Served(
        "action-cable",
        """{ connect = "none" }, { expect = "welcome" },
        { send = { command = "subscribe", identifier = { channel = "Tea" } } }, { expect = "confirm_subscription" },
        { send = { command = "message", identifier = { channel = "Tea" }, data = { text = "green" } } },
        { expect = "message", fields = { "identifier.channel" = "Tea", "message.text" = "green" } },
        { close = 1000 }""",
        *("actioncable-v1-json", "actioncable-unsupported"),
        code="EP302",
        subprotocols=("actioncable-v1-json",),
    ),
    Served(
        "stomp",
        """{ connect = "none" },
        { send = { command = "CONNECT", headers = { accept-version = "1.2", heart-beat = "300,0" } } },
        { expect = "CONNECTED" }, { silence_s = 2 },
        { send = { command = "SEND", headers = { destination = "/tea" }, body = "green" } },
        { expect = "MESSAGE", fields = { body = "green" } }, { close = 1000 }""",
        *("300", "0"),
        subprotocols=("v12.stomp",),
    ),
    Served(
        "mqtt",
        """{ connect = "none" }, { send = { packet = "connect", client_id = "c" } }, { expect = "connack" },
        { send = { packet = "subscribe", id = 1, topics = [{ topic = "a", qos = 1 }] } },
        { expect = "suback", fields = { codes = [1] } }, { expect = "publish", fields = { payload = "x" } },
        { expect = "publish", fields = { payload = "!" } }, { close = 1000 }""",
        *("1", "128"),
        subprotocols=("mqtt",),
    ),
)


@pytest.mark.parametrize("served", SERVED, ids=lambda served: served.codec)
def test_its_setting_is_the_cause(served: Served, tmp_path: Path) -> None:
    """Clean where it is right, as that environment alone is; red in the other, by that setting alone."""
    told = {"subprotocols": list(served.subprotocols), "server": json.dumps(str(SERVER))}
    backend = BACKEND.format(codec=served.codec, keys=served.keys, steps=served.steps, **told)
    (tmp_path / "backend.toml").write_text(backend, encoding="utf-8")
    (tmp_path / "environments").mkdir()
    for name, limit in (("right", served.right), ("wrong", served.wrong)):
        head = f'name = "{name}"\nbaseline = {json.dumps(name == "right")}\n[settings]\nLIMIT = "{limit}"\n'
        declared = '[[differences]]\npath = "*LIMIT*"\nreason = "it is tried"\n' if name == "wrong" else ""
        (tmp_path / "environments" / f"{name}.toml").write_text(head + declared, encoding="utf-8")
    command = [sys.executable, "-m", "envparity", "run", "--plain", "--launcher", "process", "--runs", "runs"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    (saved,) = (tmp_path / "runs").glob("*.ndjson")
    (finding,) = read_run(saved).verdict.findings
    assert (finding.code, finding.environments) == (served.code, ("wrong",)), ended.stdout
    assert single_cause(finding).partition("=")[0] == "LIMIT"
