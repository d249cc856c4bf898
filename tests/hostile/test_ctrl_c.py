"""Ctrl-C while a command reads what never ends: one line, 130, in time. And while a run explores."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from envparity.report.saved_project import SavedProject
from tests.envparity.report.recorded import described
from tests.envparity.running import TREE, Running, in_time_s
from tests.hostile.small_run import eventually
from tests.hostile.test_interrupted import made

pytestmark = pytest.mark.timeout(300)

MORE_THAN_A_PIPE = b"x" * (1 << 20)  # who has taken that has begun to read
MOST_MIB = 512
BACKEND = 'name = "backend"\n[process]\ncommand = ["true"]\n[health]\nlive = "/live"\nready = false\nstartup = false\n'
CONTRACT = """
asyncapi: 2.6.0
info: { title: hostile, version: "1" }
channels:
  /ws:
    publish:
      message: { name: say, payload: { type: object, properties: { type: { const: say } }, required: [type] } }
"""
EXPLORED = """
[contract]
document = "contract.yaml"
view = "server"
[[scenario]]
name = "hello"
steps = [{ connect = "none" }, { send = { type = "say" } }, { silence_s = 0.2 }]
"""
READING = {
    "merge": ("merge", "endless"),
    "report": ("report", "./endless"),
    "replay": ("replay", "EP101-0000", "--run", "./endless"),
    "verify": ("verify", "endless", "--key", "key.pub", "--commit", "0123456"),
    "what is piped": ("check",),
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that takes what is piped, a key, and a pipe by the name of `endless`."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    (tmp_path / "environments" / "here.toml").write_text('name = "here"\nextends = ["-#api"]\n', encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "envparity", "keys", "new", "key"], cwd=tmp_path, env=environment(), check=True
    )
    os.mkfifo(tmp_path / "endless")
    return tmp_path


def environment() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(TREE)}


def state(pid: int) -> str:
    """As proc(5) has it in stat: S for who sleeps."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]


def unread(pipe: int) -> int:
    """How many bytes of it nobody has taken yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


@pytest.fixture
def started(project: Path, request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "envparity", *READING[request.param]],
        cwd=project,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    yield process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("started", READING, indirect=True)
def test_ctrl_c_is_heard_while_something_is_read_that_never_ends(
    project: Path, started: subprocess.Popen[bytes], request: pytest.FixtureRequest
) -> None:
    piped = "piped" in request.node.callspec.params["started"]
    assert started.stdin is not None
    writing = started.stdin.fileno() if piped else os.open(project / "endless", os.O_RDWR)
    os.write(writing, MORE_THAN_A_PIPE)
    eventually("it waits for more", lambda: state(started.pid) == "S" and unread(writing) == 0)
    started.send_signal(signal.SIGINT)
    code = started.wait(in_time_s())
    assert started.stdout is not None
    said = started.stdout.read().decode()
    if not piped:
        os.close(writing)
    assert code == 130, said
    assert said.startswith("envparity: interrupted by SIGINT")
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("line", [b'{"type":"Waiting","case":"","waited_for":""}\n', b"x"], ids=["lines", "a line"])
def test_no_more_of_a_saved_run_is_read_than_memory_bears(tmp_path: Path, line: bytes) -> None:
    """It is a mistake in the input; what feeds it goes on until then."""
    from msgspec.json import encode

    project: SavedProject = described()
    os.mkfifo(tmp_path / "endless")

    def feed() -> None:
        with suppress(BrokenPipeError), (tmp_path / "endless").open("wb") as pipe:
            pipe.write(encode(project) + b"\n")
            while True:
                pipe.write(line * 20_000)

    threading.Thread(target=feed, daemon=True).start()
    command = [sys.executable, "-m", "envparity", "report", "./endless"]
    ended = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 < MOST_MIB


@pytest.mark.processes
def test_ctrl_c_ends_an_exploration(tmp_path: Path, running: list[Running]) -> None:
    """Beside a backend that answers nothing, in the middle of its sequences."""
    project = made(tmp_path, "silence", "1")
    (project / "contract.yaml").write_text(CONTRACT, encoding="utf-8")
    file = project / "backend.toml"
    file.write_text(file.read_text(encoding="utf-8").partition("[[scenario]]")[0] + EXPLORED, encoding="utf-8")
    run = Running(project, "run", "--plain", "--launcher", "process", "--explore", "1000")
    running.append(run)
    run.until("exploring: 2 sequences")
    assert run.end(signal.SIGINT) == 130, str(run)
    assert run.children() == []
    assert run.files == []
