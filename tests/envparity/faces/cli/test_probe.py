"""`envparity probe`: what it refuses, and what it exits with, as a process of its own."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import Result
from websockets.asyncio.server import ServerConnection, serve

from tests.servers import free_port

LONG_S = 120.0  # of a process that starts, beside others
BACKEND = """\
name = "chat"
subprotocols = ["v1"]
[image]
name = "chat:1"
[tokens]
key_setting = "KEY"
issuer_setting = "ISS"
audience_setting = "AUD"
carriers = [{ name = "header", header = "Authorization: Bearer {token}" }]
[phases]
connect_s = 5
message_s = 5
[[scenario]]
name = "greeting"
steps = [{ connect = "valid" }, { expect = "welcome" }, { close = 1000 }]
"""
STAGING = """\
name = "staging"
[settings]
KEY = { secret = 32 }
ISS = "i"
AUD = "a"
[deployed]
url = "%s"
secret = { variable = "PROBED_KEY" }
max_connections_per_minute = 30
"""
KEY = "0123456789abcdef0123456789abcdef"
Envparity = Callable[..., Result]


@pytest.fixture
def deployed(files: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Writes a backend file and staging's, which runs at that URL; `local` runs nowhere."""
    monkeypatch.setenv("PROBED_KEY", KEY)

    def write(url: str) -> None:
        (files / "backend.toml").write_text(BACKEND, encoding="utf-8")
        (files / "environments/staging.toml").write_text(STAGING % url, encoding="utf-8")
        local = re.sub(r"\[deployed\](.|\n)*", "", STAGING).replace("staging", "local")
        (files / "environments/local.toml").write_text(local, encoding="utf-8")

    write("wss://api.example/ws")
    return write


REFUSED = {
    "no such environment": (["--environment", "stagign"], "did you mean staging"),
    "not deployed": (["--environment", "local"], "expected a table [deployed], got none"),
    "no duration": (["--environment", "staging", "--every", "30"], "--every: expected a duration such as 30s"),
    "too long": (["--environment", "staging", "--for", "9999d"], "of a year at most"),
    "too often": (["--environment", "staging", "--every", "1s"], "--every: expected at least 2s"),
    "once for a time": (["--environment", "staging", "--once", "--for", "1m"], "--for: expected no time"),
    "metrics of one run": (
        ["--environment", "staging", "--once", "--metrics", "127.0.0.1:1"],
        "--metrics: expected no",
    ),
    "no address": (["--environment", "staging", "--metrics", "9464"], "--metrics: expected HOST:PORT"),
    "no scenario": (["--environment", "staging", "--scenario", "greting"], "did you mean greeting"),
    "another host": (["--environment", "staging", "--url", "wss://b.example/ws"], "--confirm-target b.example"),
    "confirmed another": (
        ["--environment", "staging", "--url", "wss://b.example/ws", "--confirm-target", "c.example"],
        "--confirm-target b.example",
    ),
    "another port": (["--environment", "staging", "--url", "wss://api.example:1/ws"], "as the environment's file says"),
    "secret in the URL": (["--environment", "staging", "--url", "wss://u:hunter2@a/?x=hunter2"], "no user or password"),
    "nothing to confirm": (["--environment", "staging", "--confirm-target", "x"], "--confirm-target: expected --url"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused_before_anything_is_connected_to(
    case: str, deployed: object, envparity: Envparity
) -> None:
    """Exit code 2, and what was expected."""
    arguments, words = REFUSED[case]
    result = envparity("probe", *arguments)
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert "hunter2" not in result.output


def test_all_mistakes_come_at_once(deployed: object, envparity: Envparity) -> None:
    """Three of the command line."""
    result = envparity(
        "probe", "--environment", "staging", "--every", "x", "--url", "http://b", "--metrics", "y", "--scenario", "z"
    )
    assert (result.exit_code, result.output.splitlines()[0][:22]) == (2, "envparity: 4 mistakes ")


def test_credentials_that_are_not_there_are_bad_input(
    deployed: object, envparity: Envparity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said with the variable's name."""
    monkeypatch.delenv("PROBED_KEY")
    result = envparity("probe", "--environment", "staging", "--once")
    assert result.exit_code == 2
    assert "the environment variable PROBED_KEY is not set" in result.output


async def welcome(connection: ServerConnection) -> None:
    await connection.send('{"type": "welcome"}')
    await connection.wait_closed()


async def bug(connection: ServerConnection) -> None:
    await connection.close(1011, "a bug")


@asynccontextmanager
async def probing(
    deployed: Callable[[str], None], handler: Callable[[ServerConnection], object], *options: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`envparity probe` of a server that does that, as a process."""
    async with serve(handler, "127.0.0.1", 0, subprotocols=["v1"]) as server:  # type: ignore[arg-type, list-item]
        deployed(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}")
        command = ("-m", "envparity", "probe", "--environment", "staging", *options)
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()


@pytest.mark.parametrize(("handler", "code", "word"), [(welcome, 0, "healthy"), (bug, 1, "FAILED")])
async def test_one_run_for_cron(
    deployed: Callable[[str], None], handler: Callable[[ServerConnection], object], code: int, word: str
) -> None:
    """One line, and 0 or 1."""
    async with probing(deployed, handler, "--once") as process:
        out, err = await asyncio.wait_for(process.communicate(), LONG_S)
    lines = out.decode().splitlines()
    assert (process.returncode, err) == (code, b"")
    assert len(lines) == 2
    assert f" staging {word} " in lines[1]


@pytest.mark.parametrize(("handler", "code"), [(welcome, 0), (bug, 1)])
async def test_a_time_that_is_over(
    deployed: Callable[[str], None], handler: Callable[[ServerConnection], object], code: int
) -> None:
    """0 where the last run was healthy, else 1."""
    async with probing(deployed, handler, "--every", "60s", "--for", "3s", "--log-format", "json") as process:
        out, _ = await asyncio.wait_for(process.communicate(), LONG_S)
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert (process.returncode, events) == (code, ["started", "run", "ended"])


async def test_metrics_while_it_runs_and_an_end_by_signal(deployed: Callable[[str], None]) -> None:
    """The first 1011 is there to be seen; SIGTERM ends it with 143, and with a line that says so."""
    port = free_port()
    async with probing(deployed, bug, "--every", "60s", "--metrics", f"127.0.0.1:{port}") as process:
        assert process.stdout is not None
        while b"FAILED" not in await asyncio.wait_for(process.stdout.readline(), LONG_S):
            pass
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        process.send_signal(signal.SIGTERM)
        out, err = await asyncio.wait_for(process.communicate(), LONG_S)
    assert 'envparity_probe_internal_errors_total{environment="staging"} 1.0' in text
    assert 'envparity_probe_closes_total{code="1011",environment="staging"} 1.0' in text
    assert (process.returncode, err) == (128 + signal.SIGTERM, b"")
    assert b"ended (SIGTERM): 1 run, 1 failed, 0 skipped" in out
    assert KEY not in text + out.decode()
