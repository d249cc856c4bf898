"""Engine.IO held by long polling to its end, with a python-socketio that takes nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import socketio

from envparity.config.backend import load_backend
from envparity.conversation.driver import play
from envparity.observe.transcript import ConnectionClosed, HandshakeAnswered, Transcript
from envparity.recording.upstream import Upstream
from parity_tests.cases.conftest import single_cause
from tests.envparity.recording.conversing import at
from tests.envparity.recording.rooms import serving
from tests.third_party import polling_server
from tests.third_party.test_examples import run

pytestmark = pytest.mark.processes

OPENED = """
  { connect = "none", transport = "polling" },
  { expect = "open" },
  { send = { type = "connect" } },
  { expect = "connect" },
"""
SAID = """
  { send = { event = "say", args = ["Milk first"] } },
  { expect = "said", fields = { "args.0.text" = "Milk first" } },
"""
BACKEND = """
name = "chat"
websocket_path = "/socket.io/?EIO=4&transport=websocket"
volatile = ["sid", "from"]
[process]
command = ["python3", "-m", "uvicorn", "polling_server:app"]
[health]
live = false
ready = false
startup = false
metrics = false
[report]
log_passed = "Application startup complete"
[frames]
codec = "engine-io"
"""
ENVIRONMENT = """
[platform]
port_setting = "UVICORN_PORT"
"""
STAGING = """
replicas = 2
[ingress]
kind = "nginx"
host = "chat.example"
tls = true
"""


def scenario(steps: str) -> str:
    return f'[[scenario]]\nname = "polled"\nsteps = [{steps}]\n'


async def played(steps: str, tmp_path: Path, app: object = polling_server.app) -> Transcript:
    """How that goes."""
    file = tmp_path / "backend.toml"
    file.write_text(BACKEND + scenario(steps), encoding="utf-8")
    backend = load_backend(file)
    with serving(app) as port:
        return await play(backend.scenarios[0], Upstream(endpoint=at(port), settings={}), backend, None)


def closed(transcript: Transcript) -> tuple[int, str]:
    (end,) = [event for event in transcript.events if isinstance(event, ConnectionClosed)]
    return end.code, end.by


async def test_a_conversation_is_held_to_its_end(tmp_path: Path) -> None:
    """It says and hears, bytes too, and says that it leaves."""
    drawn = """
      { send = { event = "draw", args = [{ "$hex" = "0a0b0c" }] } },
      { expect = "drawn", fields = { "args.0" = { "$hex" = "0c0b0a" } } },
    """
    transcript = await played(f"{OPENED}{SAID}{drawn}{{ close = 1000 }},", tmp_path)
    assert transcript.departure is None
    assert closed(transcript) == (1000, "client")
    (opened,) = [event for event in transcript.events if isinstance(event, HandshakeAnswered)]
    assert (opened.status, opened.accepted) == (200, True)


async def test_pings_are_answered(tmp_path: Path) -> None:
    """A server that hears nothing for its ping's time lets the session go."""
    server = socketio.AsyncServer(async_mode="asgi", transports=["polling"], ping_interval=0.2, ping_timeout=0.4)

    async def say(sid: str, text: str) -> None:
        await server.emit("said", {"from": sid, "text": text})

    server.on("say", say)
    silent = "{ silence_s = 1.5 },"
    transcript = await played(f"{OPENED}{silent}{SAID}{{ close = 1000 }},", tmp_path, socketio.ASGIApp(server))
    assert transcript.departure is None


async def test_the_backend_ends_it(tmp_path: Path) -> None:
    """Whoever is shown out hears of it, and the session has an end without a code."""
    left = """
      { send = { event = "leave", args = [] } },
      { expect_close = [[1005, 1006]] },
    """
    transcript = await played(f"{OPENED}{left}", tmp_path)
    assert transcript.departure is None
    assert closed(transcript)[1] == "server"


async def test_who_is_refused_is_told_so(tmp_path: Path) -> None:
    """The same server by its WebSocket; and by long polling where it opens no session."""
    assert (await played('{ connect = "none", status = 403 },', tmp_path)).departure is None
    wrong = '{ connect = "none", transport = "polling", path = "/socket.io/?EIO=3", status = 400 },'
    assert (await played(wrong, tmp_path)).departure is None
    departed = (
        await played('{ connect = "none", transport = "polling", path = "/socket.io/?EIO=3" },', tmp_path)
    ).departure
    assert departed is not None
    assert (departed.kind, departed.got) == ("handshake", "HTTP status 400")


@pytest.mark.parametrize("affinity", ["none", "cookie"])
def test_it_takes_an_ingress_that_keeps_clients_at_their_replica(affinity: str, tmp_path: Path) -> None:
    """Red in staging by its replicas, and clean where a cookie leads back to them."""
    shutil.copy(Path(polling_server.__file__), tmp_path)
    backend = BACKEND + scenario(f"{OPENED}{SAID}{{ close = 1000 }},")
    (tmp_path / "backend.toml").write_text(backend, encoding="utf-8")
    environments = tmp_path / "environments"
    environments.mkdir()
    local = f'name = "local"\nbaseline = true\n{ENVIRONMENT}'
    (environments / "local.toml").write_text(local, encoding="utf-8")
    staging = f'name = "staging"\n{ENVIRONMENT}{STAGING}affinity = "{affinity}"\n'
    (environments / "staging.toml").write_text(staging, encoding="utf-8")
    findings = run(tmp_path, "process")
    causes = [(finding.environments, single_cause(finding)) for finding in findings]
    assert causes == ([(("staging",), "platform.replicas=2")] if affinity == "none" else [])
