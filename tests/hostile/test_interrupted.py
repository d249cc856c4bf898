"""Ctrl-C in the middle of whatever a backend does: heard in time, nothing is left, and memory has stayed bounded."""

from __future__ import annotations

import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from envparity.observe.transcript import ConnectionClosed, HandshakeAnswered
from envparity.report.saved import read_run, saved_runs
from tests.envparity.running import Running

pytestmark = [pytest.mark.processes, pytest.mark.timeout(300)]

MOST_MIB = 512
AT_IT_S = 4.0
COMES_TO_ITS_END_S = 280.0  # on a machine that others want as well, each deadline is longer
BACKEND = f"""
name = "hostile"
startup_refusal = false
[process]
command = ["{sys.executable}", "server.py"]
[health]
live = "/live"
ready = false
startup = false
metrics = false
[[scenario]]
name = "hello"
steps = [{{ connect = "none" }}, {{ expect = "never", within_s = WITHIN }}]
"""
SERVER = """
import asyncio, base64, hashlib, json, os, signal, sys, threading
MODE = os.environ["MODE"]
SWITCHING = b"HTTP/1.1 101 Switching Protocols\\r\\n"
UPGRADE = SWITCHING + b"Upgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: "
def frame(payload, head=0x81):
    size = len(payload)
    return bytes([head, 127]) + size.to_bytes(8, "big") + payload
async def without_end(writer, data):
    while True:
        writer.write(data)
        await writer.drain()
        await asyncio.sleep(0)
async def drip(writer):
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.5)
async def talk(writer):
    if MODE == "floods of frames":
        await without_end(writer, frame(json.dumps({"type": "flood"}).encode()) * 100)
    if MODE == "large frames":
        await without_end(writer, frame(json.dumps({"type": "flood", "more": "x" * 900_000}).encode()))
    if MODE == "a frame without end":
        writer.write(frame(b'{"type": "', 0x01))
        await without_end(writer, frame(b"x" * 65536, 0x00))
    if MODE == "pings without end":
        await without_end(writer, frame(b"x" * 100, 0x89).replace(b"\\x7f" + bytes(7), b"") * 100)
    await asyncio.Event().wait()
async def serve(reader, writer):
    head = (await reader.readuntil(b"\\r\\n\\r\\n")).decode()
    named = dict(line.lower().split(": ", 1) for line in head.split("\\r\\n") if ": " in line)
    key = head[head.lower().index(named["sec-websocket-key"]):][:24] if "sec-websocket-key" in named else ""
    try:
        if not key and MODE == "health that drips":
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 1000000\\r\\n\\r\\n")
            await drip(writer)
        elif not key and MODE == "health without end":
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\n\\r\\n")
            await without_end(writer, b"x" * 65536)
        elif not key:
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}")
        elif MODE == "a handshake that drips":
            writer.write(SWITCHING + b"X-Drips: ")
            await drip(writer)
        elif MODE == "a handshake without end":
            writer.write(SWITCHING)
            await without_end(writer, b"X-More: " + b"x" * 4000 + b"\\r\\n")
        else:
            accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
            writer.write(UPGRADE + accept + b"\\r\\n\\r\\n")
            await talk(writer)
    except OSError:
        pass
    writer.close()
def shout():
    while True:
        os.write(1, b"x" * 65536 if MODE == "a line without end" else b"output without end\\n" * 4096)
async def main():
    if MODE in {"output without end", "a line without end"}:
        threading.Thread(target=shout, daemon=True).start()
    if MODE == "heedless of signals":
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    async with await asyncio.start_server(serve, "127.0.0.1", int(os.environ["PORT"])):
        await asyncio.Event().wait()
asyncio.run(main())
"""
ENDING = "floods of frames", "large frames", "a frame without end"
"""What a run comes to the end of by itself; of the last at once, for a message of that size is given up."""

LASTING = [
    *ENDING[:2], "pings without end", "health that drips", "health without end", "a handshake that drips",
    "a handshake without end", "output without end", "a line without end", "heedless of signals", "silence",
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The backend that is asked for, in two environments; in each a client waits for 100 seconds."""
    return made(tmp_path, request.param, "100")


def made(folder: Path, mode: str, within: str) -> Path:
    (folder / "environments").mkdir()
    (folder / "backend.toml").write_text(BACKEND.replace("WITHIN", within), encoding="utf-8")
    (folder / "server.py").write_text(SERVER, encoding="utf-8")
    for name in ("near", "far"):
        text = f'name = "{name}"\n[settings]\nMODE = "{mode}"\n'
        (folder / "environments" / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def most_mib(pid: int) -> float:
    """The most memory that this process has had so far (proc(5), VmHWM)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert found
    return int(found[1]) / 1024


def logs_mib(run: Running) -> list[float]:
    """What each log of that run takes of the disk."""
    return [path.stat().st_blocks / 2048 for path in run.temporary.rglob("*.log")]


@pytest.mark.parametrize("project", LASTING, indirect=True)
def test_ctrl_c_ends_a_run_among_hostile_backends_in_time(project: Path, running: list[Running]) -> None:
    """While each is at it; until then neither memory nor disk are filled."""
    run = Running(project, "run", "--plain", "--launcher", "process")
    running.append(run)
    run.until("waits for the backend to start|waits for 1 scenario")
    until = time.monotonic() + AT_IT_S
    seen: list[float] = []
    while time.monotonic() < until and run.process.poll() is None:
        seen.append(max(logs_mib(run), default=0.0))
        time.sleep(0.2)
    assert run.process.poll() is None, str(run)
    mib = most_mib(run.process.pid)
    assert run.end(signal.SIGINT) == 130, str(run)
    assert run.children() == []
    assert run.files == []
    assert mib < MOST_MIB
    # Between two looks of the guard a log grows as fast as the disk takes it; then most of it is given back.
    assert min(seen[-10:]) < MOST_MIB


def test_a_message_without_end_costs_no_deadline(tmp_path: Path, running: list[Running]) -> None:
    """Each case is booted once, and its scenario is given up in both of its plays: no phase is waited to its end."""
    project = made(tmp_path, "a frame without end", "60")
    run = Running(project, "run", "--plain", "--launcher", "process", "--no-causes")
    running.append(run)
    assert run.process.wait(COMES_TO_ITS_END_S) == 1, str(run)
    (saved,) = saved_runs(project / ".envparity" / "runs")
    seen = read_run(saved).observations
    plays = [play.events for observation in seen for play in (*observation.transcripts, *observation.control)]
    assert len(seen) == 2
    assert [[type(event) for event in events] for events in plays] == [[HandshakeAnswered, ConnectionClosed]] * 4
    assert not any("once more, alone" in line for line in run.output)


@pytest.mark.parametrize("project", ENDING, indirect=True)
def test_a_run_among_hostile_backends_comes_to_its_end_in_bounded_memory(project: Path, running: list[Running]) -> None:
    """When the client has waited long enough: what it waited for is a finding."""
    (project / "backend.toml").write_text(BACKEND.replace("WITHIN", "8"), encoding="utf-8")
    run = Running(project, "run", "--plain", "--launcher", "process", "--no-causes")
    running.append(run)
    most = 0.0
    until = time.monotonic() + COMES_TO_ITS_END_S
    while run.process.poll() is None and time.monotonic() < until:
        with suppress(OSError, AssertionError):  # it ends just now
            most = max(most, most_mib(run.process.pid))
        time.sleep(0.1)
    assert run.process.returncode == 1, str(run)
    assert "Traceback" not in str(run)
    assert run.children() == []
    assert run.files == []
    assert 0 < most < MOST_MIB
