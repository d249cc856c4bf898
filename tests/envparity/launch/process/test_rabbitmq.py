"""RabbitMQ as a process: Erlang leaves nothing behind, neither a port mapper nor helpers in groups of their own."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from tests.envparity.running import Running, in_time_s

pytestmark = pytest.mark.processes

BACKEND = """
name = "idle"
websocket_path = "/ws"
[health]
live = false
ready = false
startup = false
metrics = false
[process]
command = ["sleep", "600"]
[[scenario]]
name = "conversation"
steps = [{ connect = "none" }]
"""
LOCAL = """
name = "local"
baseline = true
[settings]
BROKER = { from = "queue.url" }
[dependencies.queue]
kind = "rabbitmq"
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_a_run_that_is_ended_leaves_nothing_of_it(
    running: list[Running], number: signal.Signals, tmp_path: Path
) -> None:
    """However that is: in order, or by its guard; and nobody has started what outlives it."""
    (tmp_path / "backend.toml").write_text(BACKEND, encoding="utf-8")
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "local.toml").write_text(LOCAL, encoding="utf-8")
    run = Running(tmp_path, "run", "--plain", "--launcher", "process")
    running.append(run)
    run.until("waits for the backend to start")
    started = run.children()
    assert any("beam" in command for command in started)
    assert not [command for command in started if command.startswith("epmd") or "/epmd" in command]
    run.end(number)
    deadline = time.monotonic() + in_time_s()
    while left := [*run.children(), *run.files]:
        assert time.monotonic() < deadline, f"still there: {left}\n{run}"
        threading.Event().wait(0.05)
