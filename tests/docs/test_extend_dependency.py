"""The dependency of docs/extend.md, from a distribution of its own: checked, booted, and cold for orders."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest

from envparity.report.saved import newest_run
from tests.docs.extending import install_example
from tests.installed import run_with

SERVER = """
import asyncio, os, sys
from urllib.parse import urlsplit
from websockets.asyncio.server import serve

async def main():
    bus, answer = urlsplit(os.environ["BUS_URL"]), b""
    while not answer:
        try:
            reader, writer = await asyncio.open_connection(bus.hostname, bus.port)
            await reader.readline()
            writer.write(b'CONNECT {"verbose":true,"auth_token":"%b"}\\r\\n' % (bus.username or "").encode())
            answer = await reader.readline()
        except OSError:
            await asyncio.sleep(0.05)
    print("started" if answer.startswith(b"+OK") else f"failed: bus: {answer!r}", flush=True)

    async def talk(connection):
        async for _ in connection:
            await connection.send('{"type": "order", "answer": "%s"}' % answer.decode().strip())

    async with serve(talk, "127.0.0.1", int(os.environ["PORT"])):
        await asyncio.Future()

asyncio.run(main())
"""
BACKEND = """
name = "kitchen"
websocket_path = "/"

[process]
command = ["python3", "server.py"]
include = ["server.py"]

[health]
live = false
ready = false
startup = false
metrics = false

[report]
log_passed = "^started"
log_failed = "^failed: (?P<component>bus)"

[[scenario]]
name = "order"
steps = [{ connect = "none" }, { send = { type = "order" } }, { expect = "order", fields = { answer = "+OK" } }, { close = 1000 }]
"""  # noqa: E501
ENVIRONMENT = """
name = "{name}"
[settings]
BUS_URL = {{ from = "bus.url" }}
[dependencies.bus]
kind = "kitchen-bus"
{keys}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The distribution, and beside it files of a backend that needs a bus."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "server.py").write_text(textwrap.dedent(SERVER), encoding="utf-8")
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    environment(tmp_path, "local", "password = false")
    environment(tmp_path, "staging", "max_payload = 4096")
    return install_example(tmp_path / "site", "kitchen-nats")


def environment(folder: Path, name: str, keys: str) -> None:
    (folder / f"environments/{name}.toml").write_text(ENVIRONMENT.format(name=name, keys=keys), encoding="utf-8")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("latency_ms = 4", "the files are in order"),
        ("max_payload = 7", "dependencies.bus.max_payload: expected at least 1024, got 7"),
        ('tls = "require"', "dependencies.bus.tls: expected a known key"),
        ("max_connections = 9", "dependencies.bus.max_connections: expected a known key"),
    ],
)
def test_its_keys_are_checked_as_ours_are(tmp_path: Path, site: Path, keys: str, told: str) -> None:
    """What it cannot do is no key of it."""
    environment(tmp_path, "staging", keys)
    checked = run_with(site, tmp_path, "envparity", "check")
    assert told in checked.stdout + checked.stderr


def test_without_it_its_kind_is_unknown(tmp_path: Path, site: Path) -> None:
    """With what there is."""
    (tmp_path / "empty").mkdir()
    checked = run_with(tmp_path / "empty", tmp_path, "envparity", "check")
    assert checked.returncode == 2
    assert "dependencies.bus.kind: expected one of postgres, redis, " in checked.stderr
    assert "kitchen-bus (dependencies)" in run_with(site, tmp_path, "envparity", "doctor").stdout


@pytest.mark.processes
@pytest.mark.skipif(shutil.which("nats-server") is None, reason="needs Debian's package nats-server")
def test_a_verdict_of_a_backend_that_needs_it(tmp_path: Path, site: Path) -> None:
    """Clean; in other orders it is booted cold, and the verdict says why."""
    arguments = ("envparity", "run", "--launcher", "process", "--orders", "2", "--runs", "runs")
    ran = run_with(site, tmp_path, *arguments, timeout_s=900)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    saved = newest_run(tmp_path / "runs")
    assert [entry.name for entry in saved.project.installed] == ["kitchen-bus"]
    assert any("cold" in line and "kitchen-bus" in line for line in saved.verdict.coverage), saved.verdict.coverage
